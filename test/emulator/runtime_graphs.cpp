// Captures and graphs.

#include "test/emulator/runtime.hpp"

using namespace galena;
using namespace galena::emulator;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (stream == nullptr) return set(cudaErrorStreamCaptureUnsupported);
  if (s->capture) {
    say("cudaStreamBeginCapture on a stream that is capturing");
    return set(cudaErrorIllegalState);
  }
  auto c = std::make_shared<Capture>();
  c->origin = s.get();
  c->mode = mode;
  c->thread = std::this_thread::get_id();
  s->capture = c;
  captures().insert(c);
  ++world().captures;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  ENTER;
  *graph = nullptr;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (!s->capture) return set(cudaErrorIllegalState);
  const auto c = s->capture;
  if (c->origin != s.get()) return set(cudaErrorStreamCaptureUnmatched);
  if (c->thread != std::this_thread::get_id() && c->mode != cudaStreamCaptureModeRelaxed) {
    say("cudaStreamEndCapture by another thread");
    return set(cudaErrorStreamCaptureWrongThread);
  }
  captures().erase(c);
  for (const auto& other : all_streams())
    if (other->capture == c) other->capture = nullptr;
  if (!c->valid) {
    say("cudaStreamEndCapture: %s", c->why.c_str());
    return set(cudaErrorStreamCaptureInvalidated);
  }
  if (!c->forked.empty()) return set(cudaErrorStreamCaptureUnjoined);
  *graph = new CUgraph_st{std::move(c->ops)};
  live_handles().insert(*graph);
  kinds()[*graph] = "graph";
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t graph, unsigned long long) {
  ENTER;
  if (!live_handles().contains(graph)) return set(cudaErrorInvalidResourceHandle);
  if (!settings().graphs) return set(cudaErrorNotSupported);
  *e = new CUgraphExec_st{std::make_shared<std::vector<Op>>(graph->ops)};
  kinds()[*e] = "executable graph";
  live_handles().insert(*e);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  LOCK;
  if (!live_handles().contains(g)) {
    say("cudaGraphDestroy of no graph");
    return set(cudaErrorInvalidResourceHandle);
  }
  live_handles().erase(g);
  delete g;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g) {
  LOCK;
  if (!live_handles().contains(g)) {
    say("cudaGraphExecDestroy of no graph");
    backtrace_here();
    return set(cudaErrorInvalidResourceHandle);
  }
  live_handles().erase(g);
  delete g;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t g, cudaStream_t stream) {
  ENTER;
  if (!live_handles().contains(g)) {
    say("cudaGraphLaunch of no graph");
    backtrace_here();
    return set(cudaErrorInvalidResourceHandle);
  }
  const auto s = state_of(stream);
  const auto ops = g->ops;
  return set(enqueue(s, {"graph of " + std::to_string(ops->size()),
                         [ops] {
                           ++world().graph_launches;
                           for (const Op& op : *ops) {
                             if (settings().trace) say("  graph: %s", op.what.c_str());
                             if (op.run) op.run();
                           }
                         },
                         nullptr, nullptr}));
}

}  // extern "C"
