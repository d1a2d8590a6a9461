# tributary_library(NAME SOURCES ... DEPS ...)
# tributary_program(NAME SOURCES ... DEPS ...)
# tributary_test(NAME SOURCES ... DEPS ... [ARGS ...] [LABELS ...] [TIMEOUT s])
# One library target per folder; DEPS are PUBLIC so that the arrows between
# folders can be read off the CMakeLists.txt files.

add_library(tributary_options INTERFACE)
target_include_directories(tributary_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tributary_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wno-sign-compare -Wnon-virtual-dtor
  -Woverloaded-virtual -Wshadow
  # Checks the annotations of sync/mutex.h.
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
if(TRIBUTARY_FUZZ)
  # Of our own code: what is generated is slow to compile so, and not ours.
  target_compile_options(tributary_options INTERFACE
    -fsanitize=address,undefined,fuzzer-no-link -fno-omit-frame-pointer)
  target_link_options(tributary_options INTERFACE
    -fsanitize=address,undefined)
endif()
if(TRIBUTARY_SANITIZE)
  # Of every target, generated code included: some layouts depend on it.
  add_compile_options(-fsanitize=${TRIBUTARY_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TRIBUTARY_SANITIZE})
endif()
if(TRIBUTARY_SANITIZE STREQUAL "thread")
  # protobuf's map_field.h lays maps out differently when it sees this macro,
  # and would disagree with Debian's library; libstdc++ wants it in its place.
  add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
endif()

# Highway compiles a file once for each instruction set, by including it again:
# such a file cannot share a translation unit with others.
function(tributary_skip_unity)
  foreach(source ${ARGN})
    file(STRINGS ${source} highway REGEX "HWY_TARGET_INCLUDE")
    if(highway)
      set_source_files_properties(${source} PROPERTIES
        SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()

function(tributary_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(ARG_SOURCES)
    tributary_skip_unity(${ARG_SOURCES})
    add_library(${NAME} STATIC ${ARG_SOURCES})
    target_link_libraries(${NAME}
      PUBLIC ${ARG_DEPS} PRIVATE $<BUILD_INTERFACE:tributary_options>)
    target_include_directories(${NAME}
      PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
    set_target_properties(${NAME} PROPERTIES
      UNITY_BUILD ${TRIBUTARY_UNITY} UNITY_BUILD_BATCH_SIZE 32)
    # GCC takes the precompiled header only where OpenMP is on, as for itself:
    # where a library is linked that links OpenMP. Each library notes that for
    # those that link it, so that no graph has to be walked.
    set(with_openmp FALSE)
    foreach(dep ${ARG_DEPS})
      get_property(noted GLOBAL PROPERTY tributary_openmp_${dep})
      if(noted OR dep STREQUAL "OpenMP::OpenMP_CXX")
        set(with_openmp TRUE)
      endif()
    endforeach()
    set_property(GLOBAL PROPERTY tributary_openmp_${NAME} ${with_openmp})
    if(TARGET tributary_headers AND with_openmp)
      target_precompile_headers(${NAME} REUSE_FROM tributary_headers)
      set_target_properties(${NAME} PROPERTIES PCH_WARN_INVALID OFF)
    endif()
  else()
    add_library(${NAME} INTERFACE)
    target_link_libraries(${NAME} INTERFACE ${ARG_DEPS})
    target_include_directories(${NAME} INTERFACE ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

function(tributary_program NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} tributary_options)
endfunction()

function(tributary_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;ARGS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)
  endif()
  tributary_program(${NAME} SOURCES ${ARG_SOURCES}
    DEPS ${ARG_DEPS} tributary_test_options GTest::gmock GTest::gtest
      GTest::gtest_main)
  if(TARGET tributary_test_headers)
    target_precompile_headers(${NAME} REUSE_FROM tributary_test_headers)
    set_target_properties(${NAME} PROPERTIES PCH_WARN_INVALID OFF)
  endif()
  add_test(NAME ${NAME} COMMAND ${NAME} ${ARG_ARGS})
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    set_tests_properties(${NAME} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()
