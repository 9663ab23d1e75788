#pragma once
// What an exchange must remember, as checkpoints hold it.

#include <vector>

#include "src/ops/quantize.hpp"
#include "src/train/checkpoint.hpp"
#include "src/train/exchange.hpp"

namespace galena::train {

void put_measures(ByteWriter& writer, const std::vector<std::vector<RouteMeasure>>& calls);
std::vector<std::vector<RouteMeasure>> get_measures(ByteReader& reader);

/// Rows as they came: decoding early would round sums differently.
void put_arrivals(ByteWriter& writer, bool coded, DType dtype, const Tensor& rows, const ops::PackedRows& packed);
/// Throws InputError where the file is damaged.
ops::PackedRows get_packed(ByteReader& reader);

}  // namespace galena::train
