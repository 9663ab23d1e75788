// Run by the build: writes the kernels of the catalogue as C++ files, and their table.
//   generate <folder> <shards>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "codegen/builtin/catalogue.hpp"
#include "codegen/emit/cpp.hpp"
#include "codegen/emit/task.hpp"
#include "codegen/plan/hash.hpp"

namespace {

using galena::codegen::Plan;

std::string kernel_name(std::size_t i) { return "galena_builtin_" + std::to_string(i); }

/// One file: the runtime once, then each kernel's task and entry.
void write_shard(const std::string& path, const std::string& number, const std::vector<Plan>& plans,
                 const std::vector<std::size_t>& mine) {
  std::ofstream out(path);
  out << "#define galena_bind galena_builtin_bind_" << number << "\n#include \"codegen/runtime/prim_cpu.h\"\n\n";
  for (const std::size_t i : mine) {
    const std::string name = kernel_name(i);
    out << "namespace galena::rt::GALENA_ISA::" << name << "_ {\n"
        << galena::codegen::emit_task(plans[i], "task") << "}\n";
    out << "extern \"C\" void " << name << "(galena::rt::Worker* w, const galena::rt::Chunk* c) {\n"
        << "  galena::rt::GALENA_ISA::Cpu x(w);\n  galena::rt::GALENA_ISA::" << name << "_::task(x, *c);\n}\n\n";
  }
}

void write_table(const std::string& path, std::size_t shards, const std::vector<Plan>& plans) {
  std::ofstream out(path);
  out << "#include \"codegen/builtin/table.hpp\"\n\nextern \"C\" {\n";
  for (std::size_t i = 0; i < plans.size(); ++i)
    out << "void " << kernel_name(i) << "(galena::rt::Worker*, const galena::rt::Chunk*);\n";
  for (std::size_t s = 0; s < shards; ++s) out << "void galena_builtin_bind_" << s << "(const galena::rt::SetOps*);\n";
  out << "}\n\nnamespace galena::codegen::builtin {\n\nconst Entry kEntries[] = {\n";
  for (std::size_t i = 0; i < plans.size(); ++i)
    out << "    {" << galena::codegen::text_hash(galena::codegen::emit_cpp(plans[i])) << "ULL, &" << kernel_name(i)
        << "},\n";
  out << "};\nconst std::size_t kEntryCount = " << plans.size() << ";\n\nvoid bind_all(const rt::SetOps* ops) {\n";
  for (std::size_t s = 0; s < shards; ++s) out << "  galena_builtin_bind_" << s << "(ops);\n";
  out << "}\n\n}  // namespace galena::codegen::builtin\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: generate <folder> <shards>\n"), 2;
  const std::string folder = argv[1];
  const auto shards = static_cast<std::size_t>(std::stoul(argv[2]));
  const std::vector<Plan> plans = galena::codegen::builtin::catalogue();
  for (std::size_t s = 0; s < shards; ++s) {
    std::vector<std::size_t> mine;
    for (std::size_t i = s; i < plans.size(); i += shards) mine.push_back(i);
    write_shard(folder + "/kernels_" + std::to_string(s) + ".cpp", std::to_string(s), plans, mine);
  }
  write_table(folder + "/table.cpp", shards, plans);
  return 0;
}
