#include "src/comm/failure.hpp"

#include <fmt/format.h>

#include <new>

#include "src/comm/communicator.hpp"

namespace galena::comm {

void rethrow_named(const std::exception_ptr& error, int rank, int ranks) {
  if (ranks == 1) std::rethrow_exception(error);
  const auto named = [&](const std::exception& e) {
    const std::string rank_name = fmt::format("rank {} of {}", rank, ranks);
    // The errors of waits begin with it already.
    return std::string(e.what()).starts_with(rank_name) ? e.what() : rank_name + ": " + e.what();
  };
  try {
    std::rethrow_exception(error);
  } catch (const PeerFailed& e) {
    throw PeerFailed(named(e));
  } catch (const Interrupted& e) {
    throw Interrupted(named(e));
  } catch (const InputError& e) {
    throw InputError(named(e));
  } catch (const EnvironmentError& e) {
    throw EnvironmentError(named(e));
  } catch (const InternalError& e) {
    throw InternalError(named(e));
  } catch (const std::bad_alloc&) {
    throw EnvironmentError(
        fmt::format("rank {} of {}: out of memory; use fewer ranks or a smaller model", rank, ranks));
  }  // what is not ours, such as an exception of the caller's, goes on as it is
}

}  // namespace galena::comm
