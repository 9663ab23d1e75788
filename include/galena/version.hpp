#pragma once
// The version of the library; the build reads it from here.

namespace galena {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace galena
