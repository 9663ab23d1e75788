#include "codegen/parse/query_graphs.hpp"

#include <charconv>
#include <limits>
#include <set>

#include "codegen/pattern/names.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string_view> words;
  for (std::size_t begin = line.find_first_not_of(kBlank); begin != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlank, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlank, end);
  }
  return words;
}

/// Calls f(words) for every line that is neither empty nor a comment, until it returns false.
template <class F>
void for_lines(std::string_view text, F&& f) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto words = words_of(text.substr(0, end));
    if (!words.empty() && !words[0].starts_with('#') && !words[0].starts_with("//") && !f(number, words)) return;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

class GraphsReader {
 public:
  explicit GraphsReader(std::string_view source) : source_(source) {}

  std::vector<QueryGraph> read(std::string_view text) {
    for_lines(text, [this](std::size_t number, const Words& words) {
      line_ = number;
      const bool begins = words[0] == "t" || words[0] == "q";
      const bool ends = begins && words.size() == 3 && words[1] == "#" && words[2] == "-1";
      if (ends) return false;
      if (begins) {
        begin(words);
      } else if (graphs_.empty() || (words[0] != "v" && words[0] != "e")) {
        fail("expected a line 't vertices edges', 'v id label' or 'e u v'");
      } else if (words[0] == "v") {
        vertex(words);
      } else {
        edge(words);
      }
      return true;
    });
    if (!graphs_.empty()) finish();
    return std::move(graphs_);
  }

 private:
  using Words = std::vector<std::string_view>;

  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(std::string(source_) + ":" + std::to_string(line_) + ": " + message);
  }

  Label number(std::string_view word, const std::string& what, Label most = std::numeric_limits<Label>::max()) const {
    Label value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value > most)
      fail("expected " + what + ", found '" + std::string(word.substr(0, 24)) + "'");
    return value;
  }

  void begin(const Words& words) {
    if (!graphs_.empty()) finish();
    std::string name = "query" + std::to_string(graphs_.size() + 1);
    const bool named = words[0] == "q" || (words.size() == 3 && words[1] == "#");
    if (named && words.size() > 1) {
      const std::string_view given = words[words[0] == "q" ? 1 : 2];
      if (is_name(given)) name = given;
    }
    if (!names_.insert(name).second) fail("a second query graph called '" + name + "'");
    graphs_.push_back({std::move(name), Pattern()});
    const bool sized = words.size() == (words[0] == "q" ? 4 : 3) && words[1] != "#";
    sizes_.clear();
    for (std::size_t i = words.size() - 2; sized && i < words.size(); ++i)
      sizes_.push_back(number(words[i], "a number of vertices or edges"));
  }

  void vertex(const Words& words) {
    if (words.size() < 3 || words.size() > 4) fail("expected 'v id label'");
    Pattern& pattern = graphs_.back().pattern;
    if (number(words[1], "a vertex number") != static_cast<Label>(pattern.size()))
      fail("vertices are numbered 0, 1, 2, ...; expected vertex " + std::to_string(pattern.size()));
    if (pattern.size() == kMaxPatternVertices)
      fail("a query graph has at most " + std::to_string(kMaxPatternVertices) + " vertices");
    pattern.add_vertex(default_name(pattern.size()), label(words[2]));
  }

  LabelSet label(std::string_view word) const {
    if (word == "*") return {};
    return {LabelSet::Kind::one_of, {number(word, "a label (a number, or *)")}};
  }

  void edge(const Words& words) {
    if (words.size() < 3 || words.size() > 4) fail("expected 'e u v'");
    Pattern& pattern = graphs_.back().pattern;
    if (pattern.size() == 0) fail("an edge before the vertices");
    const auto largest = static_cast<Label>(pattern.size() - 1);
    const std::string what = "a vertex from 0 to " + std::to_string(largest);
    const auto u = static_cast<int>(number(words[1], what, largest)),
               v = static_cast<int>(number(words[2], what, largest));
    if (u == v || pattern.adjacent(u, v))
      fail(u == v ? "an edge from a vertex to itself" : "this edge is there already");
    pattern.add_edge(u, v, words.size() == 4 ? label(words[3]) : LabelSet{});
  }

  void finish() const {
    const auto& [name, pattern] = graphs_.back();
    if (pattern.size() == 0) fail("query graph '" + name + "' has no vertices");
    const std::vector<std::size_t> found{static_cast<std::size_t>(pattern.size()), pattern.edges().size()};
    if (sizes_.empty() || sizes_ == found) return;
    const auto text = [](const std::vector<std::size_t>& n) {
      return std::to_string(n[0]) + " vertices and " + std::to_string(n[1]) + " edges";
    };
    fail("query graph '" + name + "' was to have " + text(sizes_) + ", and has " + text(found));
  }

  std::string_view source_;
  std::size_t line_ = 0;
  std::vector<QueryGraph> graphs_;
  std::vector<std::size_t> sizes_;  ///< of the last, as its first line says; empty where it does not
  std::set<std::string> names_;
};

}  // namespace

bool holds_query_graphs(std::string_view text) {
  bool found = false;
  for_lines(text, [&found](std::size_t, const auto& words) {
    found = (words[0] == "t" || words[0] == "q") && words.size() > 1 && words[1] != "=" && words[1] != ",";
    return false;
  });
  return found;
}

std::vector<QueryGraph> parse_query_graphs(std::string_view text, std::string_view source) {
  return GraphsReader(source).read(text);
}

}  // namespace galena::codegen
