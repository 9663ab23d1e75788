#include "galena/nn.hpp"
