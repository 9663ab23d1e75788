#pragma once
// Files compiled into the library; the source is made by datasets/embed.cmake.

#include <span>
#include <string_view>

namespace galena::detail {

struct EmbeddedFile {
  std::string_view name;  ///< below datasets/: "karate/edges.txt"
  std::span<const unsigned char> bytes;
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

std::span<const EmbeddedFile> embedded_files();

/// Throws InternalError if there is none of this name.
const EmbeddedFile& embedded_file(std::string_view name);

}  // namespace galena::detail
