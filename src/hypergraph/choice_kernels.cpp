// Loops over a row's features, which the compiler turns into vectors of the level.

#include "src/hypergraph/choice_kernels.hpp"

namespace galena::hyper::GALENA_LEVEL {
namespace {

float exponential(float x) { return __builtin_expf(x); }
double exponential(double x) { return __builtin_exp(x); }

template <class T>
T one_or(const T* values, std::int64_t at) {
  return values ? values[at] : T{1};
}

/// f(row, target, sources, length) for all.
template <class T, class F>
inline void for_rows(const RowSet<T>& rows, const F& f) {
  const std::uint32_t* source = rows.source;
  std::int64_t row = 0;
  for (const RowGroup* group = rows.groups; group != rows.groups + rows.group_count; ++group) {
    for (std::uint32_t i = 0; i < group->rows; ++i, ++row, source += group->length) {
      f(row, std::int64_t{rows.target[row]}, source, group->length);
    }
  }
}

template <class T>
void maxima(const RowMaxima<T>& g) {
  const std::int64_t width = g.rows.width;
  for_rows(g.rows, [&](std::int64_t, std::int64_t target, const std::uint32_t* sources, std::uint32_t length) {
    T* const best = g.rows.to + target * width;
    std::int32_t* const arg = g.arg + target * width;
    if (!g.rows.merged) {
      for (std::int64_t c = 0; c < width; ++c) {
        best[c] = 0;
        arg[c] = -1;
      }
    }
    for (std::uint32_t k = 0; k < length; ++k) {
      const T* const in = g.rows.from + std::int64_t{sources[k]} * width;
      const T weight = one_or(g.weight, sources[k]);
      const auto number = static_cast<std::int32_t>(g.number_of ? g.number_of[sources[k]] : sources[k]);
      for (std::int64_t c = 0; c < width; ++c) {
        const T value = weight * in[c];
        const bool larger = (arg[c] < 0) | (value > best[c]);
        best[c] = larger ? value : best[c];
        arg[c] = larger ? number : arg[c];
      }
    }
  });
}

template <class T>
void choices(const RowChoices<T>& g) {
  const std::int64_t width = g.rows.width;
  for_rows(g.rows, [&](std::int64_t row, std::int64_t target, const std::uint32_t* sources, std::uint32_t length) {
    T* const out = g.rows.to + target * width;
    const T factor = one_or(g.factor, target);
    const auto number = static_cast<std::int32_t>(g.number_at[row]);
    if (!g.rows.merged) {
      for (std::int64_t c = 0; c < width; ++c) out[c] = 0;
    }
    for (std::uint32_t k = 0; k < length; ++k) {
      const T* const in = g.rows.from + std::int64_t{sources[k]} * width;
      const std::int32_t* const arg = g.arg + std::int64_t{sources[k]} * width;
      const T weight = factor * one_or(g.weight, sources[k]);
      for (std::int64_t c = 0; c < width; ++c) out[c] += arg[c] == number ? weight * in[c] : T{0};
    }
  });
}

template <class T>
void softmax(const RowSoftmax<T>& g) {
  const std::int64_t width = g.rows.width, slice = width / g.heads;
  for_rows(g.rows, [&](std::int64_t, std::int64_t target, const std::uint32_t* sources, std::uint32_t length) {
    for (std::int64_t head = 0; head < g.heads; ++head) {
      T* const out = g.rows.to + target * width + head * slice;
      T &largest = g.largest[target * g.heads + head], &total = g.total[target * g.heads + head];
      if (!g.rows.merged) {
        largest = -__builtin_huge_val();
        total = 0;
        for (std::int64_t c = 0; c < slice; ++c) out[c] = 0;
      }
      for (std::uint32_t k = 0; k < length; ++k) {
        const T score = g.score[std::int64_t{sources[k]} * g.heads + head];
        if (score > largest) {
          const T shrink = exponential(largest - score);
          largest = score;
          total *= shrink;
          for (std::int64_t c = 0; c < slice; ++c) out[c] *= shrink;
        }
        const T weight = exponential(score - largest);
        const T* const in = g.rows.from + std::int64_t{sources[k]} * width + head * slice;
        total += weight;
        for (std::int64_t c = 0; c < slice; ++c) out[c] += weight * in[c];
      }
    }
  });
}

template <class T>
void softmax_gradient(const RowSoftmaxGradient<T>& g) {
  const std::int64_t width = g.rows.width, slice = width / g.heads;
  for_rows(g.rows, [&](std::int64_t, std::int64_t target, const std::uint32_t* sources, std::uint32_t length) {
    for (std::int64_t head = 0; head < g.heads; ++head) {
      T* const out = g.rows.to + target * width + head * slice;
      const T* const h = g.h + target * width + head * slice;
      const T score = g.score[target * g.heads + head];
      T slopes{};
      for (std::int64_t c = 0; c < slice; ++c) out[c] = 0;
      for (std::uint32_t k = 0; k < length; ++k) {
        const std::int64_t at = std::int64_t{sources[k]} * g.heads + head;
        const T* const in = g.rows.from + std::int64_t{sources[k]} * width + head * slice;
        const T alpha = exponential(score - g.log_sum[at]), weight = one_or(g.weight, sources[k]);
        T product{};
        for (std::int64_t c = 0; c < slice; ++c) {
          out[c] += alpha * weight * in[c];
          product += in[c] * h[c];
        }
        slopes += alpha * (weight * product - g.mean[at]);
      }
      g.slope_sum[target * g.heads + head] = slopes;
    }
  });
}

}  // namespace

extern const ChoiceKernels choice_kernels_table;
const ChoiceKernels choice_kernels_table = {
    {maxima<float>, choices<float>, softmax<float>, softmax_gradient<float>},
    {maxima<double>, choices<double>, softmax<double>, softmax_gradient<double>}};

}  // namespace galena::hyper::GALENA_LEVEL
