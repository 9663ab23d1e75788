// Streams and events.

#include <algorithm>

#include "test/emulator/runtime.hpp"

namespace galena::emulator {

std::map<void*, const char*>& kinds() {
  static auto* s = new std::map<void*, const char*>;
  return *s;
}
std::set<void*>& live_handles() {
  static auto* s = new std::set<void*>;
  return *s;
}
std::vector<std::shared_ptr<StreamState>>& all_streams() {
  static auto* s = new std::vector<std::shared_ptr<StreamState>>;
  return *s;
}
std::vector<CUstream_st*>& legacy() {
  static auto* s = new std::vector<CUstream_st*>;
  return *s;
}
std::set<std::shared_ptr<Capture>>& captures() {
  static auto* s = new std::set<std::shared_ptr<Capture>>;
  return *s;
}

std::shared_ptr<StreamState> make_stream(int device) {
  static u64 count = 0;
  auto s = std::make_shared<StreamState>();
  s->device = device;
  s->number = ++count;
  all_streams().push_back(s);
  return s;
}
std::shared_ptr<StreamState> state_of(cudaStream_t s) {
  if (s == nullptr || s == cudaStreamLegacy || s == cudaStreamPerThread) {
    while (legacy().size() < size_t(settings().devices))
      legacy().push_back(new CUstream_st{make_stream(int(legacy().size()))});
    return legacy()[current]->state;
  }
  if (!live_handles().contains(s)) {
    say("use of a stream that is destroyed or never was: %p", (void*)s);
    backtrace_here();
    return nullptr;
  }
  return s->state;
}

void fault(int device, const std::string& what) {
  Device& d = world().devices[device];
  ++world().faults;
  say("FAULT on device %d: %s", device, what.c_str());
  if (d.sticky == cudaSuccess) d.sticky = cudaErrorIllegalAddress;
}

bool step(StreamState& s) {
  Op& first = s.ops.front();
  if (first.waits && !first.waits->done && first.waits->stream && !advance(*first.waits->stream, first.waits.get()))
    return false;
  const bool dead = world().devices[s.device].sticky != cudaSuccess;
  if (first.ready && !dead && !first.ready()) return false;
  const Op op = std::move(s.ops.front());
  s.ops.pop_front();
  if (settings().trace) say("stream %llu runs %s", (unsigned long long)s.number, op.what.c_str());
  if (op.run && !dead) {
    try {
      Unlocked open;
      op.run();
    } catch (const std::exception& e) {
      fault(s.device, op.what + ": " + e.what());
    }
  }
  if (op.signals) op.signals->done = true;
  big().changed();
  return true;
}
bool advance(StreamState& s, const Record* until) {
  if (s.advancing) return s.ops.empty() || (until != nullptr && until->done);
  s.advancing = true;
  bool goes_on = true;
  while (goes_on && !s.ops.empty() && (until == nullptr || !until->done)) goes_on = step(s);
  s.advancing = false;
  return goes_on;
}
std::vector<std::function<void()>>& beside() {
  static auto* all = new std::vector<std::function<void()>>;
  return *all;
}
void drain(const std::shared_ptr<StreamState>& s, const std::shared_ptr<Record>& until) {
  while (!advance(*s, until.get())) {
    for (const auto& work : beside()) work();
    big().wait();
  }
}
void drain_device(int device) {
  const auto streams = all_streams();  // others may come while this waits
  for (const auto& s : streams)
    if (s->device == device) drain(s);
  std::erase_if(all_streams(), [](const auto& s) { return s->destroyed && s->ops.empty() && !s->advancing; });
}
void shake() {
  if (settings().order != "random" || all_streams().empty()) return;
  if (rng()() % 3 != 0) return;
  const auto s = all_streams()[rng()() % all_streams().size()];
  if (s->advancing) return;
  s->advancing = true;
  for (u64 n = 1 + rng()() % 4; n > 0 && !s->ops.empty(); --n)
    if (!step(*s)) break;
  s->advancing = false;
}

void invalidate(Capture& c, const std::string& why) {
  if (!c.valid) return;
  c.valid = false;
  c.why = why;
  say("a stream capture became invalid: %s", why.c_str());
}

/// Calls that a thread must not make while it captures.
cudaError_t unsafe(const char* call) {
  for (const auto& c : captures()) {
    const bool mine = c->thread == std::this_thread::get_id();
    if (c->mode == cudaStreamCaptureModeRelaxed) continue;
    if (mine || c->mode == cudaStreamCaptureModeGlobal) {
      invalidate(*c, std::string(call) + " is prohibited while capturing");
      return cudaErrorStreamCaptureUnsupported;
    }
  }
  return cudaSuccess;
}

/// Queues work on a stream.
cudaError_t enqueue(const std::shared_ptr<StreamState>& s, Op op) {
  if (!s) return cudaErrorInvalidResourceHandle;
  if (world().devices[s->device].sticky != cudaSuccess) return world().devices[s->device].sticky;
  if (s->capture) {
    Capture& c = *s->capture;
    if (!c.valid) return cudaErrorStreamCaptureInvalidated;
    if (c.thread != std::this_thread::get_id()) {
      say("WARNING: work of another thread (%s) goes into a capture", op.what.c_str());
      backtrace_here();
    }
    c.ops.push_back(std::move(op));
    return cudaSuccess;
  }
  if (s->claimed > 0) {
    say("FAULT: %s into a stream whose NCCL messages are not queued yet", op.what.c_str());
    backtrace_here();
    ++world().misused;
  }
  if (settings().trace) say("stream %llu queues %s", (unsigned long long)s->number, op.what.c_str());
  s->ops.push_back(std::move(op));
  s->queries = 0;
  big().changed();
  if (settings().order == "early") advance(*s);
  shake();
  return cudaSuccess;
}

cudaError_t sticky(int device) { return world().devices[device].sticky; }

}  // namespace galena::emulator

using namespace galena;
using namespace galena::emulator;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned flags) {
  ENTER;
  if (flags != cudaStreamNonBlocking) say("a blocking stream, which is treated as one that is not");
  *s = new CUstream_st{make_stream(current)};
  live_handles().insert(*s);
  kinds()[*s] = "stream";
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* s) { return cudaStreamCreateWithFlags(s, cudaStreamNonBlocking); }
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  LOCK;
  if (!live_handles().contains(s)) {
    say("cudaStreamDestroy of no stream");
    return set(cudaErrorInvalidResourceHandle);
  }
  s->state->destroyed = true;  // its work goes on
  live_handles().erase(s);
  delete s;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (s->capture) {
    invalidate(*s->capture, "cudaStreamSynchronize of the capturing stream");
    return set(cudaErrorStreamCaptureUnsupported);
  }
  if (const auto e = unsafe("cudaStreamSynchronize")) return set(e);
  drain(s);
  return set(sticky(s->device));
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (s->capture) {
    invalidate(*s->capture, "cudaStreamQuery of the capturing stream");
    return set(cudaErrorStreamCaptureUnsupported);
  }
  if (const auto e = unsafe("cudaStreamQuery")) return set(e);
  if (!s->ops.empty() && s->queries++ < settings().queries) return set(cudaErrorNotReady);
  if (!advance(*s)) return set(cudaErrorNotReady);
  return set(sticky(s->device));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  ENTER;
  const auto s = state_of(stream);
  if (!s || !live_handles().contains(event)) {
    say("cudaStreamWaitEvent of a dead stream or event");
    return set(cudaErrorInvalidResourceHandle);
  }
  const auto record = event->record;
  if (!record) return cudaSuccess;  // never recorded
  if (record->capture) {
    if (!captures().contains(record->capture)) {
      say("a wait for an event of a capture that is over");
      return set(cudaErrorCapturedEvent);
    }
    if (s->capture && s->capture != record->capture) return set(cudaErrorStreamCaptureIsolation);
    if (!s->capture) {
      if (!s->ops.empty()) say("a stream with work joins a capture");
      s->capture = record->capture;
      s->capture->forked.insert(s.get());
    }
    if (s.get() == s->capture->origin) s->capture->forked.erase(record->stream.get());
    return cudaSuccess;
  }
  if (s->capture) {
    invalidate(*s->capture, "a wait for an event from outside of the capture");
    return set(cudaErrorStreamCaptureIsolation);
  }
  return set(
      enqueue(s, {"wait for an event of stream " + std::to_string(record->stream->number), nullptr, record, nullptr}));
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned flags) {
  ENTER;
  *e = new CUevent_st{nullptr, current, (flags & cudaEventDisableTiming) == 0};
  kinds()[*e] = "event";
  live_handles().insert(*e);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  LOCK;
  if (!live_handles().contains(e)) {
    say("cudaEventDestroy of no event");
    backtrace_here();
    return set(cudaErrorInvalidResourceHandle);
  }
  live_handles().erase(e);
  delete e;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s || !live_handles().contains(e)) return set(cudaErrorInvalidResourceHandle);
  if (e->device != s->device) {
    say("cudaEventRecord of an event of another device");
    return set(cudaErrorInvalidResourceHandle);
  }
  auto record = std::make_shared<Record>();
  record->stream = s;
  record->capture = s->capture;
  e->record = record;
  if (s->capture) return set(s->capture->valid ? cudaSuccess : cudaErrorStreamCaptureInvalidated);
  return set(enqueue(s, {"event", nullptr, nullptr, record}));
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  ENTER;
  if (!live_handles().contains(e)) return set(cudaErrorInvalidResourceHandle);
  if (e->record && e->record->capture) {
    invalidate(*e->record->capture, "cudaEventSynchronize of a captured event");
    return set(cudaErrorCapturedEvent);
  }
  if (const auto x = unsafe("cudaEventSynchronize")) return set(x);
  const int device = e->device;
  if (const auto record = e->record; record && !record->done) drain(record->stream, record);
  return set(sticky(device));
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  ENTER;
  if (!live_handles().contains(e)) return set(cudaErrorInvalidResourceHandle);
  if (const auto x = unsafe("cudaEventQuery")) return set(x);
  if (!e->record || e->record->done) return cudaSuccess;
  if (e->record->stream->queries++ < settings().queries) return set(cudaErrorNotReady);
  if (!advance(*e->record->stream, e->record.get())) return set(cudaErrorNotReady);
  return set(sticky(e->device));
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) {
  *ms = 1;
  return cudaSuccess;
}

}  // extern "C"
