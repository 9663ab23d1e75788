#pragma once
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "test/emulator/ptx.hpp"

namespace ptx {
using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using u128 = unsigned __int128;
using i128 = __int128;

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
int typeSize(Type);             // bytes; 0 for PRED
Type typeOf(std::string_view);  // NONE if it names none

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
  std::vector<int> code_function;  // owner function per pc
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
  i32 freshConstant(int width);
  std::string lineText(u32 line) const;
};

struct Frame {
  int ret_pc;
  int call;
  u32 fp, top;
  int fn;
  std::vector<u64> saved;
};
enum State : u8 { Run, WaitSync, WaitBar };
struct Group {
  u32 pc, mask;
  State state;
  u8 bar = 0;
  u32 member = 0;
};

struct Launch;
struct Block;
struct Warp {
  u32* regs = nullptr;
  const u32* consts = nullptr;
  u32* preds = nullptr;
  u32 cc = 0, alive = 0;
  u32 pc = 0;
  Group groups[34];
  int ngroups = 0;
  u32 stuck = 0;
  bool rotate = false;
  u32 turn = 0;
  Launch* launch = nullptr;
  Block* block = nullptr;
  unsigned index = 0;
  u8* local = nullptr;
  u32 fp[32], top[32];
  std::vector<Frame>* stacks = nullptr;
  u32 clock = 1, all_at = 0;
  u32 met[32][32] = {};
};
struct Block {
  Dim id;
  u64 linear = 0;
  std::vector<Warp> warps;
  u8* shared = nullptr;
  unsigned live_warps = 0;
  u32 waiting_bars = 0;
  unsigned arrived[16] = {};
  u32 bars = 0;
  u64 shared_bytes = 0;
};
struct Launch {
  const Module* module;
  const Function* kernel;
  Dim grid, block;
  const u8* params;
  u64 param_bytes;
  u64 shared_end;   // kSharedBase + bytes
  u64 local_bytes;  // per thread
  const Memory* memory;
  u64 cur_begin = 1, cur_end = 0;
  bool cur_writable = false;
  u64 count = 0;
  u64 rng = 0;
  u64 clock = 0;
  u32 random() {
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return u32((rng * 0x2545F4914F6CDD1Dull) >> 32);
  }
};

void raceSync(Warp& w, u32 m);
void raceBlockSync(Block& b);
void raceStart(Launch& l);
void raceTouch(Warp& w, const Ins& in, u32 m, u8* const* p, unsigned size, int kind, const u64* value);
extern int g_race;  // 0 none, 1 every .sync orders memory, 2 bar.warp.sync alone
extern bool g_race_blocks;
[[noreturn]] void fault(const Warp& w, const Ins& in, int lane, const std::string& what);

template <class S>
inline S* reg(Warp& w, i32 off) {
  return reinterpret_cast<S*>(off >= 0 ? w.regs + size_t(off) * 32 : const_cast<u32*>(w.consts) + size_t(~off) * 32);
}
#define LANES(...)                                                     \
  if (m == ~0u) {                                                      \
    _Pragma("GCC ivdep") for (int i = 0; i < 32; ++i) { __VA_ARGS__; } \
  } else {                                                             \
    for (u32 k_ = m; k_; k_ &= k_ - 1) {                               \
      const int i = __builtin_ctz(k_);                                 \
      __VA_ARGS__;                                                     \
    }                                                                  \
  }

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
// ptx_alu.cpp: arithmetic. Fills `in`; returns false where the opcode is not its own.
bool decodeAlu(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);
// ptx_mem.cpp: loads, stores, atomics.
Handler narrowHandler();  // 64-bit register to its low 32 bits
bool decodeMem(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);
u8* resolve(Warp& w, const Ins& in, int lane, Space space, u64 addr, unsigned size, bool write);
// ptx_sync.cpp: executed with all lanes that take part.
bool decodeSync(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as);
}  // namespace ptx
