// What decoders of arithmetic share: operands, rounding, floats of 16 bits.

#include <algorithm>
#include <cfenv>
#include <utility>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {

float float_of_half(u16 bits) {
  const int exponent = (bits >> 10) & 31;
  const float fraction = float(bits & 1023);
  float value;
  if (exponent == 31)
    value = fraction != 0 ? std::bit_cast<float>(0x7fffffffu) : std::bit_cast<float>(0x7f800000u);
  else
    value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

u16 half_of(double value) {
  if (value != value) return 0x7fff;
  const u16 sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isinf(value)) return sign | 0x7c00;
  if (value == 0) return sign;
  int exponent = 0;
  std::frexp(value, &exponent);  // below 2^exponent
  const int unit = std::max(exponent - 11, -24);
  const double whole = std::fabs(std::nearbyint(std::ldexp(value, -unit)));
  if (std::ldexp(whole, unit) >= 65536) {
    const int mode = std::fegetround();
    const bool inwards = mode == FE_TOWARDZERO || mode == (sign ? FE_UPWARD : FE_DOWNWARD);
    return u16(sign | (inwards ? 0x7bff : 0x7c00));
  }
  // A carry into the exponent is what rounding up to the next power of two means.
  return u16(sign | (unit == -24 ? u32(whole) : (u32(unit + 24) << 10) + u32(whole)));
}

u16 bf16_of(float value, bool to_zero) {
  if (value != value) return 0x7fff;
  u32 bits = std::bit_cast<u32>(value);
  if (!to_zero) bits += 0x7fff + ((bits >> 16) & 1);
  return u16(bits >> 16);
}

void rounded(Warp& w, const Ins& in, u32 m) {
  const int old = std::fegetround();
  std::fesetround(in.mode == RZ ? FE_TOWARDZERO : in.mode == RM ? FE_DOWNWARD : FE_UPWARD);
  in.inner(w, in, m);
  std::fesetround(old);
}

void Arithmetic::need(std::size_t n) {
  if (o.size() < n) as.error("too few operands");
}

void Arithmetic::dst(int width) {
  need(1);
  in.d = as.dst(o[0], width);
}

void Arithmetic::s1(int width, Type type) {
  need(2);
  in.a = as.src(o[1], width, type);
}

void Arithmetic::s2(int width, Type type) {
  need(3);
  in.b = as.src(o[2], width, type);
}

void Arithmetic::s3(int width, Type type) {
  need(4);
  in.c = as.src(o[3], width, type);
}

void Arithmetic::predicate(const Operand& x) {
  if (x.k != Operand::PredReg) as.error("a predicate is wanted");
  in.pc = x.pred;
  in.pcneg = x.neg ? ~0u : 0;
}

u16 Arithmetic::destination(const Operand& x) {
  if (x.k == Operand::Sink) return 1;
  if (x.k != Operand::PredReg) as.error("a predicate is wanted");
  return x.pred;
}

int Arithmetic::round() const {
  static const std::pair<std::string_view, int> modes[] = {{"rn", RN},   {"rz", RZ},   {"rm", RM},
                                                           {"rp", RP},   {"rni", RNI}, {"rzi", RZI},
                                                           {"rmi", RMI}, {"rpi", RPI}, {"rna", RNA}};
  for (const std::string_view name : op.mods)
    for (const auto& [known, mode] : modes)
      if (known == name) return mode;
  return NOROUND;
}

bool Arithmetic::finish(Handler h) {
  if (h == nullptr) as.error("type not supported");
  in.fn = h;
  const int r = round();
  if (is_float(t) && (r == RZ || r == RM || r == RP) && !is_half(t)) {
    in.inner = h;
    in.fn = rounded;
    in.mode = u8(r);
  }
  return true;
}

bool Arithmetic::un(Handler h) {
  dst(W);
  s1(W, t);
  return finish(h);
}

bool Arithmetic::bin(Handler h) {
  dst(W);
  s1(W, t);
  s2(W, t);
  return finish(h);
}

bool Arithmetic::tri(Handler h) {
  dst(W);
  s1(W, t);
  s2(W, t);
  s3(W, t);
  return finish(h);
}

bool decode_arithmetic(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  Arithmetic a{op, o, in, as};
  return a.sums() || a.products() || a.quotients() || a.extremes() || a.signs() || a.logic() || a.shifts_() ||
         a.counts() || a.fields() || a.bytes() || a.functions() || a.comparisons() || a.choices() || a.spaces() ||
         a.moves() || a.conversions();
}

}  // namespace galena::ptx
