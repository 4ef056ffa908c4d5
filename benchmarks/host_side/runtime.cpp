// CUDA's runtime without a driver and without a GPU, to be preloaded: two GPUs whose memory is the host's, and which
// run no kernel. Every call returns at once, so that what is left of a call's time is the host's own.
//
// `stub_count` says how often a function was called. After `stub_hold(1)` copies wait, in the order of their stream,
// until `stub_finish` or somebody who waits for them. While a graph is captured, what would wait, ask an event or
// allocate is an error, but in a thread that chose the relaxed mode.
#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace {

struct State {
  std::mutex mutex;
  std::map<std::string, long> counts;
  std::map<const char*, std::pair<size_t, cudaMemoryType>> memory;  // by its begin
};
State& state() {
  static State* made = new State;  // used until the very end
  return *made;
}
std::atomic<bool> held, copying{true};
std::atomic<int> capturing;
thread_local int current_device;
thread_local cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
thread_local cudaError_t last;

struct Stream {
  std::atomic<bool> captures{false};
  std::deque<std::function<void()>> waiting;
};
struct Event {
  std::atomic<bool> done{true};
  Stream* stream = nullptr;
};
std::recursive_mutex queues;  // of all streams
std::map<cudaStream_t, Stream*> streams;

Stream& of(cudaStream_t handle) {
  const std::lock_guard<std::recursive_mutex> lock(queues);
  Stream*& found = streams[handle];
  if (found == nullptr) found = handle == nullptr ? new Stream : reinterpret_cast<Stream*>(handle);
  return *found;
}
void enqueue(cudaStream_t handle, std::function<void()> work) {
  const std::lock_guard<std::recursive_mutex> lock(queues);
  Stream& stream = of(handle);
  if (held) {
    stream.waiting.push_back(std::move(work));
  } else {
    work();
  }
}
// Runs what waits in a stream, up to an event if there is one.
void finish(Stream& stream, const Event* event = nullptr) {
  const std::lock_guard<std::recursive_mutex> lock(queues);
  while (!stream.waiting.empty() && !(event != nullptr && event->done)) {
    const auto work = std::move(stream.waiting.front());
    stream.waiting.pop_front();
    work();
  }
}
void finish_all() {
  const std::lock_guard<std::recursive_mutex> lock(queues);
  for (const auto& [handle, stream] : streams) finish(*stream);
}

void count(const char* name) {
  const std::lock_guard<std::mutex> lock(state().mutex);
  ++state().counts[name];
}
cudaError_t fail(cudaError_t error) { return last = error; }
bool forbidden() { return capturing > 0 && mode != cudaStreamCaptureModeRelaxed; }

cudaError_t allocate(void** to, size_t bytes, cudaMemoryType type) {
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  *to = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().memory[static_cast<const char*>(*to)] = {bytes, type};
  return cudaSuccess;
}
cudaError_t release(void* memory) {
  {
    const std::lock_guard<std::mutex> lock(state().mutex);
    state().memory.erase(static_cast<const char*>(memory));
  }
  std::free(memory);
  return cudaSuccess;
}

}  // namespace

#define EXPORTED __attribute__((visibility("default")))
#define CALLED count(__func__)

extern "C" {

// PyTorch asks the driver itself for this one.
EXPORTED int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) { return *flags = 0, *active = 1, 0; }

EXPORTED long stub_count(const char* name) {
  const std::lock_guard<std::mutex> lock(state().mutex);
  return state().counts[name];
}
EXPORTED void stub_hold(int hold) { held = hold != 0; }
EXPORTED void stub_finish() { finish_all(); }
EXPORTED void stub_copy(int copy) { copying = copy != 0; }  // not for the time of a call without a GPU

EXPORTED cudaError_t cudaGetDeviceCount(int* count) { return *count = 2, cudaSuccess; }
EXPORTED cudaError_t cudaGetDevice(int* device) { return *device = current_device, cudaSuccess; }
EXPORTED cudaError_t cudaSetDevice(int device) { return current_device = device, cudaSuccess; }
EXPORTED cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
EXPORTED cudaError_t cudaGetDeviceProperties(cudaDeviceProp* found, int) {
  std::memset(found, 0, sizeof *found);
  std::strcpy(found->name, "no GPU (stub)");
  found->major = 9;
  found->multiProcessorCount = 132;
  found->warpSize = 32;
  found->totalGlobalMem = size_t{80} << 30;
  found->maxThreadsPerBlock = 1024;
  found->maxThreadsPerMultiProcessor = 2048;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  CALLED;
  *value = attribute == cudaDevAttrMultiProcessorCount                ? 132
           : attribute == cudaDevAttrMaxSharedMemoryPerMultiprocessor ? 228 << 10
                                                                      : 1;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) { return *can = 0, cudaSuccess; }
EXPORTED cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return *least = 0, *greatest = -5, cudaSuccess;
}
EXPORTED cudaError_t cudaDeviceSynchronize() {
  CALLED;
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  return finish_all(), cudaSuccess;
}
EXPORTED cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, size_t) {
  CALLED;
  return *blocks = 4, cudaSuccess;
}
EXPORTED cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* kernel,
                                                                            int threads, size_t shared, unsigned) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, kernel, threads, shared);
}
EXPORTED cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t) {
  CALLED;
  return cudaSuccess;
}
// What nvcc's launches are made of.
EXPORTED cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void*) { return *kernel = nullptr, cudaSuccess; }
EXPORTED cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3 grid, dim3 block, void** given, size_t shared,
                                        cudaStream_t stream) {
  return cudaLaunchKernel(nullptr, grid, block, given, shared, stream);
}
EXPORTED cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t*, const void*, void**) {
  CALLED;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaGetLastError() {
  const cudaError_t error = last;
  last = cudaSuccess;
  return error;
}
EXPORTED cudaError_t cudaPeekAtLastError() { return last; }

EXPORTED cudaError_t cudaMalloc(void** to, size_t bytes) { return allocate(to, bytes, cudaMemoryTypeDevice); }
EXPORTED cudaError_t cudaFree(void* memory) { return release(memory); }
EXPORTED cudaError_t cudaHostAlloc(void** to, size_t bytes, unsigned) {
  CALLED;
  return allocate(to, bytes, cudaMemoryTypeHost);
}
EXPORTED cudaError_t cudaFreeHost(void* memory) { return release(memory); }
EXPORTED cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return *free = size_t{79} << 30, *total = size_t{80} << 30, cudaSuccess;
}
EXPORTED cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* found, const void* address) {
  CALLED;
  *found = {};
  const auto* byte = static_cast<const char*>(address);
  const std::lock_guard<std::mutex> lock(state().mutex);
  auto part = state().memory.upper_bound(byte);
  if (part == state().memory.begin()) return cudaSuccess;
  --part;
  if (byte >= part->first + part->second.first) return cudaSuccess;
  found->type = part->second.second;
  found->devicePointer = const_cast<char*>(byte);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  CALLED;
  if (copying && !of(stream).captures) enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  finish_all();
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  CALLED;
  std::memset(to, value, bytes);
  return cudaSuccess;
}

EXPORTED cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  CALLED;
  return *event = reinterpret_cast<cudaEvent_t>(new Event), cudaSuccess;
}
EXPORTED cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
EXPORTED cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }  // what waits may still name it
EXPORTED cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  CALLED;
  auto* event = reinterpret_cast<Event*>(handle);
  event->done = false;
  event->stream = &of(stream);
  enqueue(stream, [event] { event->done = true; });
  return cudaSuccess;
}
EXPORTED cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}
EXPORTED cudaError_t cudaEventQuery(cudaEvent_t event) {
  CALLED;
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  return reinterpret_cast<Event*>(event)->done ? cudaSuccess : fail(cudaErrorNotReady);
}
EXPORTED cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  CALLED;
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  const auto* event = reinterpret_cast<Event*>(handle);
  if (event->stream != nullptr) finish(*event->stream, event);
  return cudaSuccess;
}

EXPORTED cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  return *stream = reinterpret_cast<cudaStream_t>(new Stream), cudaSuccess;
}
EXPORTED cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return cudaStreamCreateWithPriority(stream, 0, 0);
}
EXPORTED cudaError_t cudaStreamGetPriority(cudaStream_t, int* priority) { return *priority = 0, cudaSuccess; }
EXPORTED cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  CALLED;
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  return finish(of(stream)), cudaSuccess;
}
EXPORTED cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
EXPORTED cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
EXPORTED cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = of(stream).captures ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                              unsigned long long* id, cudaGraph_t*, const cudaGraphNode_t**,
                                              const cudaGraphEdgeData**, size_t*) {
  if (id) *id = 1;
  return cudaStreamIsCapturing(stream, status);
}
EXPORTED cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* other) {
  std::swap(mode, *other);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  of(stream).captures = true;
  return ++capturing, cudaSuccess;
}
EXPORTED cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  of(stream).captures = false;
  return --capturing, *graph = reinterpret_cast<cudaGraph_t>(stream), cudaSuccess;
}
EXPORTED cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t*, size_t* nodes) { return *nodes = 1, cudaSuccess; }
EXPORTED cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t*, cudaGraph_t, unsigned long long) {
  return cudaSuccess;
}
EXPORTED cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }
EXPORTED cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
EXPORTED cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
}
