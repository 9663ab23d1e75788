#pragma once
// What the parser hands to decoders, which fill an instruction and say whether the opcode is theirs.

#include "test/emulator/ptx_warp.hpp"

namespace galena::ptx {

// One opcode split at its dots, and its operands, as the parser hands them to the decoder.
struct Operand {
  enum K : u8 { Reg, PredReg, Imm, FImm, DImm, Sym, Addr, Vec, Sink, Func, SpecialTime, Label } k = Sink;
  bool neg = false;  // !p or -reg
  i32 unit = 0;
  u8 width = 0;  // Reg: 4 or 8
  u16 pred = 0;
  u64 imm = 0;         // Imm bits; Addr: offset
  int sym = -1;        // variable
  bool frame = false;  // Sym/Addr: frame relative at imm
  bool base_reg = false;
  std::string_view name;
  std::vector<Operand> elems;
  int pipe = -1;  // index of the operand after '|' in elems
  bool second = false;
};
struct Assembler {  // what a decoder may ask of the parser
  virtual i32 src(const Operand&, int width, Type t = NONE) = 0;
  virtual i32 dst(const Operand&, int width) = 0;
  virtual i32 temp(int width) = 0;
  virtual void emit(const Ins&) = 0;
  virtual Module& module() = 0;
  [[noreturn]] virtual void error(const std::string&) = 0;
  virtual ~Assembler() = default;
};
struct Op {
  std::string_view base;
  std::vector<std::string_view> mods;
  bool has(std::string_view s) const {
    for (auto m : mods)
      if (m == s) return true;
    return false;
  }
  std::vector<Type> types;  // in order of appearance
  Type type() const { return types.empty() ? NONE : types.back(); }
};

bool decode_arithmetic(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);
bool decode_memory(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);
bool decode_sync(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);

/// Loads and stores, and atomics, of decode_memory().
bool decode_access(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);
bool decode_atomic(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);

/// From a 64-bit register to its low 32 bits.
Handler narrow_handler();

}  // namespace galena::ptx
