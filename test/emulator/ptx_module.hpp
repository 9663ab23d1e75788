#pragma once
// A PTX text as it is run: instructions with handlers and places of operands, functions, variables.

#include <bit>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "test/emulator/ptx.hpp"

namespace galena::ptx {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

enum Type : u8 {
  NONE,
  U8,
  S8,
  B8,
  U16,
  S16,
  B16,
  F16,
  BF16,
  U32,
  S32,
  B32,
  F32,
  F16X2,
  BF16X2,
  U16X2,
  S16X2,
  U64,
  S64,
  B64,
  F64,
  PRED,
  B128
};
int type_size(Type);             // bytes; 0 for PRED
Type type_of(std::string_view);  // NONE if it names none

enum Space : u8 { Generic, Global, Const, Shared, Local, ParamSp };
enum Kind : u8 { Plain, Bra, Brx, Call, Ret, Exit, Sync, Bar, Nanosleep, Trap };

constexpr u64 kSharedWin = 1ull << 56, kLocalWin = 2ull << 56, kParamWin = 3ull << 56, kFuncWin = 4ull << 56;
constexpr u64 kSharedBase = 1024, kLocalBase = 256, kEntryParamBase = 1ull << 40;

enum Special {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaX,
  CtaY,
  CtaZ,
  NctaX,
  NctaY,
  NctaZ,
  LaneId,
  WarpId,
  NWarpId,
  MaskEq,
  MaskLt,
  MaskLe,
  MaskGt,
  MaskGe,
  SmId,
  NSmId,
  DynSmem,
  TotSmem,
  Zero,
  One,
  GridId /*64: two units, even*/,
  GridIdHi,
  kSpecials = 32
};

struct Warp;
struct Ins;
using Handler = void (*)(Warp&, const Ins&, u32);
struct Ins {
  Handler fn = nullptr;
  Handler inner = nullptr;
  i64 imm = 0;
  i32 d = 0, a = 0, b = 0, c = 0;  // operand units; negative: ~constant unit
  i32 e = 0;
  i32 target = 0;  // bra: pc; call: function index; brx: table
  i32 extra = 0;   // index in Module::extra
  u32 line = 0;
  u64 source = 0;    // of .loc: file, line
  u32 neg = 0;       // guard inversion mask
  u16 guard = 0;     // predicate index (0: always true)
  u16 p = 1, q = 1;  // predicate results (1: sink)
  u16 pc = 0;        // predicate source
  u32 pcneg = 0;
  Kind kind = Plain;
  Space space = Generic;
  u8 vec = 1, size = 0, sub = 0, mode = 0, akind = 0 /*0 u64 register, 1 u32 register, 2 frame*/, flag = 0, wide = 0;
};

struct Var {
  std::string name;
  Space space;
  u64 size = 0, align = 1, offset = 0;
  bool dynamic = false;
  u8* data = nullptr;
  i32 unit = 0;
  bool readonly = false;
};

struct Function {
  std::string name;
  bool entry = false, defined = false;
  int start = 0, end = 0;      // pcs
  int regs = 0, reg_base = 0;  // units
  int preds = 0, pred_base = 0;
  u64 frame = 0;                    // bytes of locals, formal params (functions) and call params
  std::vector<Param> params, rets;  // offsets: entry: in the parameter block; function: in the frame
  u64 param_bytes = 0;
  std::vector<int> callees;
  bool indirect = false, recursive = false;
  std::vector<int> shared_used;            // variables referenced (indices into Module::shared)
  std::vector<std::pair<int, int>> slots;  // unit and width of every register
  int builtin = 0;                         // 1 vprintf, 2 __assertfail, 3 other extern
};
struct CallSite {
  std::vector<u64> args;
  std::vector<u64> arg_sizes;
  std::vector<u64> rets;
  std::vector<u64> ret_sizes;
};

class Module {
 public:
  std::string text;
  std::vector<u64> line_starts;
  std::vector<Ins> code;
  std::map<u32, std::string> files;  // of .file
  std::vector<int> code_function;    // owner function per pc
  std::vector<Function> functions;
  std::map<std::string, int, std::less<>> function_index;
  std::map<std::string, Kernel, std::less<>> kernels;
  std::vector<Var> globals;
  std::map<std::string, int, std::less<>> global_index;
  std::vector<Var> shared;
  std::map<std::string, int, std::less<>> shared_index;
  std::vector<i32> extra;
  std::vector<std::string> messages;  // of instructions that were not understood
  std::vector<CallSite> calls;
  std::vector<std::vector<int>> tables;
  u32* consts = nullptr;
  size_t const_units = 0, const_cap = 0;
  std::map<std::pair<u64, int>, i32> const_pool;
  int func_regs = kSpecials, func_preds = 2;
  struct SharedConst {
    i32 unit;
    int var;
    u64 offset;
    int width;
  };
  std::vector<SharedConst> shared_consts;
  mutable int laid_out = -1;
  std::vector<Range> ranges;
  ~Module();
  i32 constant(u64 value, int width);
  i32 fresh_constant(int width);
  std::string line_text(u32 line) const;
};

}  // namespace galena::ptx
