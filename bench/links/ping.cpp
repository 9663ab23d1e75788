// What the links between MPI ranks really carry: latency and bandwidth of each pair alone, and of a ring in which
// every rank sends and receives at once. Prints one JSON object. Usage: mpirun ... ping [MEBIBYTES]

#define OMPI_SKIP_MPICXX  // only the C interface
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kRounds = 20;  // of the empty message

/// Seconds for a message from `from` to `to` and an empty answer; only those two take part.
double there_and_back(int rank, int from, int to, std::vector<char>& bytes) {
  const int size = static_cast<int>(bytes.size());
  const double begin = MPI_Wtime();
  if (rank == from) {
    MPI_Send(bytes.data(), size, MPI_CHAR, to, 0, MPI_COMM_WORLD);
    MPI_Recv(bytes.data(), 0, MPI_CHAR, to, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else if (rank == to) {
    MPI_Recv(bytes.data(), size, MPI_CHAR, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(bytes.data(), 0, MPI_CHAR, from, 1, MPI_COMM_WORLD);
  }
  return MPI_Wtime() - begin;
}

/// The median round trip of an empty message; the pair's first messages open the connection.
double round_trip(int rank, int from, int to) {
  std::vector<char> nothing;
  std::vector<double> seconds(kRounds);
  for (double& one : seconds) one = there_and_back(rank, from, to, nothing);
  std::sort(seconds.begin(), seconds.end());
  return seconds[kRounds / 2];
}

/// Seconds in which each rank sends `bytes` to the next and receives as much from the one before.
double ring(int rank, int ranks, std::vector<char>& bytes) {
  std::vector<char> received(bytes.size());
  const int size = static_cast<int>(bytes.size());
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  MPI_Sendrecv(bytes.data(), size, MPI_CHAR, (rank + 1) % ranks, 2, received.data(), size, MPI_CHAR,
               (rank + ranks - 1) % ranks, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Barrier(MPI_COMM_WORLD);
  return MPI_Wtime() - begin;
}

double megabits(std::size_t bytes, double seconds) { return static_cast<double>(bytes) * 8e-6 / seconds; }

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  int ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  std::vector<char> bytes((argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 8) << 20U, 'x');

  if (rank == 0) std::printf("{\"mebibytes\": %zu, \"pairs\": [", bytes.size() >> 20U);
  for (int from = 0; from < ranks; ++from) {
    const int to = (from + 1) % ranks;
    double seconds[2] = {round_trip(rank, from, to), there_and_back(rank, from, to, bytes)};
    MPI_Bcast(seconds, 2, MPI_DOUBLE, from, MPI_COMM_WORLD);
    if (rank == 0) {
      std::printf("%s{\"from\": %d, \"to\": %d, \"round_trip_ms\": %.3f, \"mbit_s\": %.1f}", from > 0 ? ", " : "", from,
                  to, seconds[0] * 1e3, megabits(bytes.size(), seconds[1]));
    }
  }
  const double seconds = ring(rank, ranks, bytes);
  if (rank == 0) std::printf("], \"ring_mbit_s\": %.1f}\n", megabits(bytes.size(), seconds));
  MPI_Finalize();
  return 0;
}
