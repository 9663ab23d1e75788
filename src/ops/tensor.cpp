#include "galena/tensor.hpp"
