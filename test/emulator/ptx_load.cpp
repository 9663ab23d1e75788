// A text as a whole: its modules, and who may call whom.

#include <algorithm>
#include <set>

#include "test/emulator/ptx_parser.hpp"

namespace galena::ptx {

void Parser::run() {
  m_.line_starts.push_back(0);
  for (size_t i = 0; i < m_.text.size(); ++i)
    if (m_.text[i] == '\n') m_.line_starts.push_back(i + 1);
  adv();
  bool ext = false;
  while (tok_.k != Token::End) {
    if (accept(';')) continue;
    if (tok_.k != Token::Ident) {
      stmt_line_ = tok_.line;
      error("unexpected '" + std::string(tok_.s) + "'");
    }
    auto s = tok_.s;
    if (s == ".version" || s == ".target" || s == ".address_size") {
      skip_line();
      continue;
    }
    if (s == ".file" || s == ".loc") {
      source();
      continue;
    }
    if (s == ".visible" || s == ".weak" || s == ".common") {
      adv();
      continue;
    }
    if (s == ".extern") {
      ext = true;
      adv();
      continue;
    }
    if (s == ".pragma" || s == ".alias") {
      skip_statement();
      continue;
    }
    if (s == ".section") {
      while (!is('{')) adv();
      skip_body();
      continue;
    }
    adv();
    if (s == ".entry")
      function(true, ext);
    else if (s == ".func")
      function(false, ext);
    else if (s == ".global")
      variable(Global, ext);
    else if (s == ".const")
      variable(Const, ext);
    else if (s == ".shared")
      variable(Shared, ext);
    else {
      stmt_line_ = tok_.line;
      error("unknown directive " + std::string(s));
    }
    ext = false;
  }
  auto bs = std::move(bodies_);
  for (auto& b : bs)
    if (!m_.functions[size_t(b.fn)].entry) body(b);
  for (auto& b : bs)
    if (m_.functions[size_t(b.fn)].entry) body(b);
  fn_ = -1;
  stmt_line_ = 0;
  for (auto& f : fixups_) {
    u64 v = 0;
    if (auto it = m_.global_index.find(f.name); it != m_.global_index.end())
      v = reinterpret_cast<u64>(m_.globals[size_t(it->second)].data) + u64(f.add);
    else if (auto jt = m_.function_index.find(f.name); jt != m_.function_index.end()) {
      v = kFuncWin + u64(jt->second);
      m_.functions[size_t(jt->second)].indirect = true;
    } else {
      stmt_line_ = f.line;
      error("unknown name in an initialiser: " + std::string(f.name));
    }
    std::memcpy(f.at, &v, size_t(f.size));
  }
  for (auto& v : m_.globals)
    m_.ranges.push_back({reinterpret_cast<u64>(v.data), reinterpret_cast<u64>(v.data) + v.size, !v.readonly});
  std::sort(m_.ranges.begin(), m_.ranges.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  // recursion: a function that can reach itself
  auto reach = [&](int from) {
    std::set<int> seen;
    std::vector<int> work{from};
    while (!work.empty()) {
      int f = work.back();
      work.pop_back();
      for (int c : m_.functions[size_t(f)].callees) {
        if (c == -1) {
          for (int k = 0; k < int(m_.functions.size()); ++k)
            if (m_.functions[size_t(k)].indirect && !m_.functions[size_t(k)].entry && seen.insert(k).second)
              work.push_back(k);
        } else if (seen.insert(c).second)
          work.push_back(c);
      }
    }
    return seen;
  };
  for (int k = 0; k < int(m_.functions.size()); ++k)
    if (!m_.functions[size_t(k)].entry && m_.functions[size_t(k)].defined)
      m_.functions[size_t(k)].recursive = reach(k).count(k) > 0;
  for (int k = 0; k < int(m_.functions.size()); ++k) {
    auto& f = m_.functions[size_t(k)];
    if (!f.entry || !f.defined) continue;
    std::set<int> vars(f.shared_used.begin(), f.shared_used.end());
    for (int c : reach(k))
      vars.insert(m_.functions[size_t(c)].shared_used.begin(), m_.functions[size_t(c)].shared_used.end());
    f.shared_used.assign(vars.begin(), vars.end());
    u64 bytes = 0;
    for (int v : f.shared_used) {
      auto& s = m_.shared[size_t(v)];
      if (s.dynamic) continue;
      bytes = (bytes + s.align - 1) / s.align * s.align + s.size;
    }
    m_.kernels[f.name].static_shared = bytes;
  }
}

std::shared_ptr<Module> load(const std::string& text) {
  auto m = std::make_shared<Module>();
  m->text = text;
  Parser(*m).run();
  return m;
}
const Kernel* find(const Module& m, const std::string& name) {
  auto it = m.kernels.find(name);
  return it == m.kernels.end() ? nullptr : &it->second;
}
void* global(const Module& m, const std::string& name, std::size_t* size) {
  auto it = m.global_index.find(name);
  if (it == m.global_index.end()) return nullptr;
  if (size) *size = m.globals[size_t(it->second)].size;
  return m.globals[size_t(it->second)].data;
}
std::vector<Range> storage(const Module& m) { return m.ranges; }

}  // namespace galena::ptx
