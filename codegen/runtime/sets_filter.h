#pragma once
// Filters by label. Included by sets.h only.

namespace galena::rt::GALENA_ISA {

/// The elements v of a with vlabels[v] in the set. out == a.p is allowed.
[[maybe_unused, gnu::noinline]] static vid filter_vlabel(vid* out, Span a, const uint32_t* vlabels, Labels set) {
  vid k = 0;
  for (uint64_t i = 0; i < a.n; ++i) {
    const vid v = a.p[i];
    out[k] = v;
    k += static_cast<vid>(has_label(set, vlabels[v]));
  }
  return k;
}

/// The elements a[i] with labels[i] in the set. out == a.p is allowed.
[[maybe_unused, gnu::noinline]] static vid filter_elabel(vid* out, Span a, const uint32_t* labels, Labels set) {
  const Mask flip = set.negated != 0 ? ~Mask{0} : 0;
  vid k = 0;
  for (uint64_t i = 0; i < a.n; i += kLanes) {
    const Vec v = load_some(a.p + i, a.n - i, fill(0));
    const Vec label = load_some(labels + i, a.n - i, fill(0));
    Mask m = 0;
    for (uint32_t s = 0; s < set.n; ++s) m |= equal(label, fill(set.p[s]));
    m = (m ^ flip) & lanes(a.n - i);
    put(out + k, v, m);
    k += count(m);
  }
  return k;
}

}  // namespace galena::rt::GALENA_ISA
