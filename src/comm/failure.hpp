#pragma once
// Errors of one rank as they are reported for all.

#include <exception>
#include <string>

namespace galena::comm {

/// Throws `error` again with "rank 2 of 4: " before its message, unless there is one rank. A galena::Error keeps its
/// kind, PeerFailed and Interrupted their type; std::bad_alloc becomes an EnvironmentError; another exception, such as
/// one that a caller's function threw, is thrown as it is.
[[noreturn]] void rethrow_named(const std::exception_ptr& error, int rank, int ranks);

}  // namespace galena::comm
