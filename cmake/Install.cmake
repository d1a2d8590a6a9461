# cmake --install build [--prefix DIR] [--component programs|client]
#
# programs  bin/                     tributary, tributary-server,
#                                    tributary-loader; with LibTorch, the
#                                    module that they load
#           share/tributary/config/  sample configurations
# client    lib/, include/tributary/ libraries and headers of the C++ client
#           lib/cmake/tributary/     find_package(tributary): tributary::client
#           share/tributary/proto/   the .proto files, for other languages
#           share/tributary/config/  the retry policy, for other languages
#
# The libraries are static. Configure with CMAKE_POSITION_INDEPENDENT_CODE=ON
# to link the client into a shared library.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# Headers are included by their path in the source tree. A root of their own
# keeps client/, google/ and grpc/ out of the compiler's search path.
set(TRIBUTARY_INCLUDE_DIR ${CMAKE_INSTALL_INCLUDEDIR}/tributary)
set(TRIBUTARY_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/tributary)
set(TRIBUTARY_SHARE_DIR ${CMAKE_INSTALL_DATADIR}/tributary)

install(TARGETS tributary tributary-server tributary-loader
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
if(TARGET tributary-towers)
  # `tributary` looks for the module beside itself.
  install(TARGETS tributary-towers
    LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/config/
  DESTINATION ${TRIBUTARY_SHARE_DIR}/config COMPONENT programs
  FILES_MATCHING PATTERN "*.yaml")

set_target_properties(tributary_client PROPERTIES EXPORT_NAME client)
set_target_properties(tributary_grpc PROPERTIES EXPORT_NAME grpc)
set_target_properties(tributary_proto PROPERTIES EXPORT_NAME proto)
install(TARGETS tributary_client tributary_grpc tributary_proto
  EXPORT tributaryTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client
  INCLUDES DESTINATION ${TRIBUTARY_INCLUDE_DIR})
install(FILES ${CMAKE_SOURCE_DIR}/client/credentials.h
  ${CMAKE_SOURCE_DIR}/client/retrieval_client.h
  DESTINATION ${TRIBUTARY_INCLUDE_DIR}/client COMPONENT client)
install(DIRECTORY
  ${CMAKE_BINARY_DIR}/proto/google
  ${CMAKE_BINARY_DIR}/proto/grpc
  ${CMAKE_BINARY_DIR}/proto/tributary
  DESTINATION ${TRIBUTARY_INCLUDE_DIR} COMPONENT client
  FILES_MATCHING PATTERN "*.pb.h")
install(DIRECTORY
  ${CMAKE_SOURCE_DIR}/proto/google
  ${CMAKE_SOURCE_DIR}/proto/grpc
  ${CMAKE_SOURCE_DIR}/proto/tributary
  DESTINATION ${TRIBUTARY_SHARE_DIR}/proto COMPONENT client
  FILES_MATCHING PATTERN "*.proto")
install(FILES ${CMAKE_SOURCE_DIR}/config/service_config.json
  DESTINATION ${TRIBUTARY_SHARE_DIR}/config COMPONENT client)

install(EXPORT tributaryTargets NAMESPACE tributary::
  DESTINATION ${TRIBUTARY_CMAKE_DIR} COMPONENT client)
configure_package_config_file(
  ${CMAKE_SOURCE_DIR}/cmake/tributaryConfig.cmake.in
  ${CMAKE_BINARY_DIR}/tributaryConfig.cmake
  INSTALL_DESTINATION ${TRIBUTARY_CMAKE_DIR})
# Before 1.0.0 a new minor version may break callers.
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/tributaryConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_BINARY_DIR}/tributaryConfig.cmake
  ${CMAKE_BINARY_DIR}/tributaryConfigVersion.cmake
  DESTINATION ${TRIBUTARY_CMAKE_DIR} COMPONENT client)
