#pragma once
// Decodes arithmetic, a kind of instruction a file.

#include "test/emulator/ptx_decode.hpp"
#include "test/emulator/ptx_lanes.hpp"

namespace galena::ptx {

enum Round : u8 { RN, RZ, RM, RP, RNI, RZI, RMI, RPI, RNA, NOROUND };

inline bool is_float(Type t) { return t == F16 || t == BF16 || t == F32 || t == F64; }
inline bool is_half(Type t) { return t == F16 || t == BF16 || t == F16X2 || t == BF16X2; }

float float_of_half(u16 bits);
u16 half_of(double value);  ///< in the rounding mode that is set
inline float float_of_bf16(u16 bits) { return std::bit_cast<float>(u32(bits) << 16); }
u16 bf16_of(float value, bool to_zero = false);

/// Runs `in.inner` in the rounding mode `in.mode`.
void rounded(Warp& w, const Ins& in, u32 m);

/// An instruction that is being decoded. Each kind fills `in`, and returns false where the opcode is none of its own.
struct Arithmetic {
  const Op& op;
  std::vector<Operand>& o;
  Ins& in;
  Assembler& as;
  std::string_view b = op.base;
  Type t = op.type();
  int W = type_size(t) == 8 ? 8 : 4;
  bool ftz = op.has("ftz"), sat = op.has("sat"), cc = op.has("cc");

  bool sums();         // add, sub
  bool products();     // mul, mad, fma
  bool quotients();    // div, rem
  bool extremes();     // min, max
  bool signs();        // neg, abs, copysign
  bool logic();        // and, or, xor, not, of predicates too
  bool shifts_();      // shl, shr, shf
  bool counts();       // popc, clz, brev, bfind
  bool fields();       // bfe, bfi, bmsk, ...
  bool bytes();        // prmt, dp4a, lop3
  bool functions();    // rcp, sqrt, ex2, ...
  bool comparisons();  // setp, set, testp
  bool choices();      // selp, slct
  bool spaces();       // isspacep, cvta
  bool moves();
  bool conversions();

  void need(std::size_t n);
  void dst(int width);
  void s1(int width, Type type);
  void s2(int width, Type type);
  void s3(int width, Type type);
  void predicate(const Operand& x);   // that is read
  u16 destination(const Operand& x);  // a predicate that is written
  int round() const;
  bool finish(Handler h);
  bool un(Handler h);
  bool bin(Handler h);
  bool tri(Handler h);
  bool half(int code, int operands);  // of ptx_half.cpp
};

}  // namespace galena::ptx
