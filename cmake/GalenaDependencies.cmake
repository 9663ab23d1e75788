# Libraries that every build needs. Each has a target; ARCHITECTURE.md says which folder may use it.

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)  # OpenMP::OpenMP_CXX
find_package(ZLIB REQUIRED)                   # ZLIB::ZLIB
find_package(CURL REQUIRED)                   # CURL::libcurl
find_package(METIS REQUIRED)                  # METIS::METIS
find_package(fmt REQUIRED)                    # fmt::fmt
find_package(nlohmann_json REQUIRED)          # nlohmann_json::nlohmann_json
find_package(tomlplusplus REQUIRED)           # tomlplusplus::tomlplusplus
find_package(CLI11 REQUIRED)                  # CLI11::CLI11

# Headers that no installed header shows: linked for this build only, absent from the export.
set(GALENA_BUILD_ONLY_TARGETS
    galena::thrust nlohmann_json::nlohmann_json tomlplusplus::tomlplusplus CLI11::CLI11)
