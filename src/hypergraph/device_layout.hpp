#pragma once
// A layout for a GPU.

#include <memory>

#include "src/hypergraph/layout_storage.hpp"
#include "src/ops/device_tiles.hpp"

namespace galena::hyper {

/// Tiles for the storage's extent and options, in the device's memory; fills its stats. Throws EnvironmentError where
/// there is no room.
std::shared_ptr<const ops::DeviceTiles> make_device_tiles(Layout::Storage& storage);

}  // namespace galena::hyper
