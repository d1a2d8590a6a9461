# Installs the component `client`, builds a program outside the tree that finds
# it by find_package(tributary), runs the program, and checks what it links. See
# CMakeLists.txt for the parameters.
find_program(LDD ldd REQUIRED)

# Runs a command, which must succeed. OUTPUT has its stdout and stderr.
function(run)
  execute_process(COMMAND ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${status}\n${output}")
  endif()
  set(OUTPUT "${output}" PARENT_SCOPE)
endfunction()

set(prefix ${SCRATCH_DIR}/prefix)
set(consumer ${SCRATCH_DIR}/build)
file(REMOVE_RECURSE ${SCRATCH_DIR})
# `cmake --install` would prepend it to the prefix.
unset(ENV{DESTDIR})
list(PREPEND PREFIX_PATH ${prefix})
list(JOIN PREFIX_PATH ":" path)
set(ENV{CMAKE_PREFIX_PATH} ${path})

# Nothing but the client needs to have been built before.
run(${CMAKE_COMMAND} --build ${BUILD_DIR} --target tributary_client)
run(${CMAKE_COMMAND} --install ${BUILD_DIR}
  --component client --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${CONSUMER_DIR} -B ${consumer} -G ${GENERATOR}
  -D CMAKE_CXX_COMPILER=${CXX_COMPILER}
  -D CMAKE_CXX_COMPILER_LAUNCHER=${CXX_COMPILER_LAUNCHER}
  -D CMAKE_CXX_FLAGS=${CXX_FLAGS}
  -D VERSION=${VERSION})
run(${CMAKE_COMMAND} --build ${consumer} --verbose)
set(log "${OUTPUT}")

# Headers that are not installed must not come from the build tree.
string(FIND "${log}" ${BUILD_DIR}/proto position)
if(NOT position EQUAL -1)
  message(FATAL_ERROR "the consumer sees the build tree:\n${log}")
endif()

execute_process(COMMAND ${consumer}/consumer unix:/nowhere/server.sock
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 1 OR NOT output MATCHES "UNAVAILABLE")
  message(FATAL_ERROR
    "the consumer: ${status}, expected 1 and UNAVAILABLE\n${output}")
endif()

run(${LDD} ${consumer}/consumer)
foreach(library faiss blas curl)
  if(OUTPUT MATCHES "${library}")
    message(FATAL_ERROR "the consumer loads ${library}:\n${OUTPUT}")
  endif()
  if(log MATCHES "${library}")
    message(FATAL_ERROR "the consumer links ${library}:\n${log}")
  endif()
endforeach()
if(log MATCHES "-Werror")
  message(FATAL_ERROR "our warnings reach the consumer:\n${log}")
endif()

foreach(file
    share/tributary/proto/tributary/v1/retrieval.proto
    share/tributary/config/service_config.json)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()
