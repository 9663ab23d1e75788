#include "codegen/emit/cpp.hpp"

#include "codegen/emit/task.hpp"

namespace galena::codegen {

std::string emit_cpp(const Plan& plan, const EmitOptions& options) {
  std::string text = "#include \"codegen/runtime/prim_cpu.h\"\n\nnamespace galena::rt::GALENA_ISA {\n\n";
  text += emit_task(plan, "task");
  text += "\n}  // namespace galena::rt::GALENA_ISA\n\n";
  text += "extern \"C\" void " + options.entry + "(galena::rt::Worker* w, const galena::rt::Chunk* c) {\n";
  text += "  galena::rt::GALENA_ISA::Cpu x(w);\n  galena::rt::GALENA_ISA::task(x, *c);\n}\n";
  return text;
}

}  // namespace galena::codegen
