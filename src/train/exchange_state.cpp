#include "src/train/exchange_state.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::train {

void put_measures(ByteWriter& writer, const std::vector<std::vector<RouteMeasure>>& calls) {
  writer.put(static_cast<std::uint64_t>(calls.size()));
  for (const auto& routes : calls) {
    writer.put(static_cast<std::uint64_t>(routes.size()));
    for (const RouteMeasure& route : routes) {
      writer.put(route.width);
      writer.put_array(route.rows);
    }
  }
}

std::vector<std::vector<RouteMeasure>> get_measures(ByteReader& reader) {
  std::vector<std::vector<RouteMeasure>> calls(reader.count(sizeof(std::uint64_t)));
  for (auto& routes : calls) {
    routes.resize(reader.count(sizeof(std::uint64_t)));
    for (RouteMeasure& route : routes) {
      route.width = reader.get<std::int64_t>();
      route.rows = reader.get_array<RowMeasure>();
    }
  }
  return calls;
}

void put_arrivals(ByteWriter& writer, bool coded, DType dtype, const Tensor& rows, const ops::PackedRows& packed) {
  writer.put(static_cast<std::uint8_t>(coded));
  if (!coded) {
    writer.put(rows);
    return;
  }
  writer.put(dtype);
  writer.put(packed.cols);
  writer.put_array(packed.bits);
  writer.put_array(packed.zero);
  writer.put_array(packed.scale);
  writer.put_array(packed.bytes);
}

ops::PackedRows get_packed(ByteReader& reader) {
  const auto cols = reader.get<std::int64_t>();
  const auto bits = reader.get_array<std::uint8_t>();
  ops::PackedRows packed = ops::layout_rows(cols, bits);
  const std::size_t parameters = packed.zero.size(), bytes = packed.bytes.size();
  packed.zero = reader.get_array<float>();
  packed.scale = reader.get_array<float>();
  const auto coded = reader.get_array<std::uint8_t>();
  if (packed.zero.size() != parameters || packed.scale.size() != parameters || coded.size() != bytes)
    throw InputError("checkpoint: coded rows do not have the sizes that their widths say: the file is damaged");
  std::copy(coded.begin(), coded.end(), packed.bytes.begin());
  return packed;
}

}  // namespace galena::train
