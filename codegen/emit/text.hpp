#pragma once
// Indented source text.

#include <string>

namespace galena::codegen {

class Text {
 public:
  void line(const std::string& s) {
    if (!s.empty()) out_.append(static_cast<std::size_t>(2 * level_), ' ').append(s);
    out_ += '\n';
  }
  void open(const std::string& s) {
    line(s + " {");
    ++level_;
  }
  void open() {
    line("{");
    ++level_;
  }
  void close(const std::string& end = "}") {
    --level_;
    line(end);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  int level_ = 0;
};

}  // namespace galena::codegen
