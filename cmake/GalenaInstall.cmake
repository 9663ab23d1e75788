# `cmake --install` and find_package(galena CONFIG).

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/galena")

get_property(libraries GLOBAL PROPERTY GALENA_LIBRARIES)
install(TARGETS galena ${libraries} EXPORT galenaTargets)
install(DIRECTORY include/galena DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(EXPORT galenaTargets NAMESPACE galena:: DESTINATION "${package_dir}")
if(TARGET galena_command)
  install(TARGETS galena_command)
endif()

configure_package_config_file(cmake/galenaConfig.cmake.in "${PROJECT_BINARY_DIR}/galenaConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/galenaConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/galenaConfig.cmake" "${PROJECT_BINARY_DIR}/galenaConfigVersion.cmake"
              cmake/FindMETIS.cmake
        DESTINATION "${package_dir}")
