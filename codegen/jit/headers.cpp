// Puts embedded headers in place of their includes, each once. Their own includes are of
// embedded headers or of the compiler, so the result stands alone.

#include "codegen/jit/headers.hpp"

#include <set>
#include <string>

#include "codegen/jit/jit.hpp"
#include "galena/error.hpp"

namespace galena::jit {

namespace {

constexpr std::string_view kInclude = "#include \"codegen/";

std::string_view header_text(std::string_view name) {
  for (const Header& header : embedded_headers()) {
    if (header.name == name) return header.text;
  }
  throw InternalError("generated code includes \"" + std::string(name) + "\", which is not embedded");
}

void append(std::string& out, std::string_view text, std::string_view file, std::set<std::string_view>& seen) {
  size_t line = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view current = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line;
    if (current == "#pragma once") continue;
    if (!current.starts_with(kInclude)) {
      out.append(current).push_back('\n');
      continue;
    }
    const size_t quote = kInclude.find('"') + 1;
    const std::string_view name = current.substr(quote, current.find('"', quote) - quote);
    if (!seen.insert(name).second) continue;
    out.append("#line 1 \"").append(name).append("\"\n");
    append(out, header_text(name), name, seen);
    out.append("#line " + std::to_string(line + 1) + " \"").append(file).append("\"\n");
  }
}

}  // namespace

std::string expand(const std::string& text) {
  std::string out = "#line 1 \"kernel\"\n";
  std::set<std::string_view> seen;
  append(out, text, "kernel", seen);
  return out;
}

}  // namespace galena::jit
