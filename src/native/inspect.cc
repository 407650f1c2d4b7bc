// SPDX-License-Identifier: BSD-2-Clause
// Questions to the kernel: what a program or map is, what a program does with a frame (BPF_PROG_TEST_RUN).
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "support.h"

namespace havip {

namespace {

// A program may grow a frame: VLAN tags, an outer header.
constexpr size_t kRoomToGrow = 512;
// Far above what a program takes for a frame, where we cannot wait for it exactly.
constexpr useconds_t kLongestRunUs = 20000;

std::string Hex(const uint8_t *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < length; i++) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

struct bpf_prog_info ReadProgram(Napi::Env env, int fd, std::vector<uint32_t> &map_ids) {
  std::string subject = "program fd " + std::to_string(fd);
  struct bpf_prog_info program = {};
  uint32_t length = sizeof program;
  CheckBpf(env, bpf_obj_get_info_by_fd(fd, &program, &length), "bpf_obj_get_info_by_fd", subject);
  map_ids.resize(program.nr_map_ids);
  struct bpf_prog_info again = {};
  again.nr_map_ids = program.nr_map_ids;
  again.map_ids = reinterpret_cast<uint64_t>(map_ids.data());
  length = sizeof again;
  CheckBpf(env, bpf_obj_get_info_by_fd(fd, &again, &length), "bpf_obj_get_info_by_fd", subject);
  return again;
}

Napi::Value ProgramInfo(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::vector<uint32_t> map_ids;
  struct bpf_prog_info program = ReadProgram(env, IntArg(info, 0), map_ids);
  Napi::Array ids = Napi::Array::New(env, map_ids.size());
  for (uint32_t i = 0; i < map_ids.size(); i++) ids.Set(i, map_ids[i]);
  Napi::Object out = Napi::Object::New(env);
  out.Set("id", program.id);
  out.Set("name", std::string(program.name, strnlen(program.name, sizeof program.name)));
  out.Set("type", program.type);
  out.Set("tag", Hex(program.tag, sizeof program.tag));
  out.Set("mapIds", ids);
  out.Set("xlatedBytes", program.xlated_prog_len);
  out.Set("jitedBytes", program.jited_prog_len);
  out.Set("verifiedInstructions", program.verified_insns);
  out.Set("runTimeNs", Napi::BigInt::New(env, static_cast<uint64_t>(program.run_time_ns)));
  out.Set("runCount", Napi::BigInt::New(env, static_cast<uint64_t>(program.run_cnt)));
  return out;
}

Napi::Value ProgramFdById(const Napi::CallbackInfo &info) {
  int id = IntArg(info, 0);
  int fd = bpf_prog_get_fd_by_id(static_cast<uint32_t>(id));
  CheckBpf(info.Env(), fd, "bpf_prog_get_fd_by_id", std::to_string(id));
  return Napi::Number::New(info.Env(), fd);
}

struct bpf_map_info ReadMap(Napi::Env env, int fd) {
  struct bpf_map_info map = {};
  uint32_t length = sizeof map;
  CheckBpf(env, bpf_obj_get_info_by_fd(fd, &map, &length), "bpf_obj_get_info_by_fd", "map fd " + std::to_string(fd));
  return map;
}

Napi::Value MapInfo(const Napi::CallbackInfo &info) {
  struct bpf_map_info map = ReadMap(info.Env(), IntArg(info, 0));
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("id", map.id);
  out.Set("type", map.type);
  out.Set("keySize", map.key_size);
  out.Set("valueSize", map.value_size);
  out.Set("maxEntries", map.max_entries);
  out.Set("flags", map.map_flags);
  out.Set("name", std::string(map.name, strnlen(map.name, sizeof map.name)));
  return out;
}

Napi::Value PossibleCpus(const Napi::CallbackInfo &info) {
  int cpus = libbpf_num_possible_cpus();
  return Napi::Number::New(info.Env(), CheckBpf(info.Env(), cpus, "libbpf_num_possible_cpus", ""));
}

// An array map that lets itself be mapped, seen as `stripes` of equally many rows: each stripe's first row added up, word
// by word, then the second ones, and so on. A program may write meanwhile: its words are whole.
Napi::Value SumStripes(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  int fd = IntArg(info, 0);
  int stripes = IntArg(info, 1);
  struct bpf_map_info map = ReadMap(env, fd);
  size_t words = map.value_size / sizeof(uint64_t);
  if (stripes <= 0 || map.value_size % sizeof(uint64_t) != 0 || map.max_entries % static_cast<uint32_t>(stripes) != 0) {
    Throw(env, EINVAL, "mmap", "map " + std::string(map.name));
  }
  size_t each = map.max_entries / static_cast<uint32_t>(stripes) * words;
  size_t bytes = each * static_cast<size_t>(stripes) * sizeof(uint64_t);
  Napi::Buffer<uint64_t> sums = Napi::Buffer<uint64_t>::New(env, each);
  void *at = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) Throw(env, errno, "mmap", "map " + std::string(map.name));
  const volatile uint64_t *word = static_cast<const uint64_t *>(at);
  for (size_t i = 0; i < each; i++) sums.Data()[i] = word[i];
  for (int stripe = 1; stripe < stripes; stripe++) {
    word += each;
    for (size_t i = 0; i < each; i++) sums.Data()[i] += word[i];
  }
  munmap(at, bytes);
  return sums;
}

// Equally long rows of 64-bit words, one behind the other, added up word by word.
Napi::Value SumRows(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  Napi::Buffer<uint8_t> rows = BufferArg(info, 0);
  int count = IntArg(info, 1);
  if (count <= 0 || rows.Length() % (static_cast<size_t>(count) * sizeof(uint64_t)) != 0) {
    throw Napi::RangeError::New(env, "rows are not that many, or of no whole words");
  }
  size_t each = rows.Length() / static_cast<size_t>(count);
  Napi::Buffer<uint8_t> sums = Napi::Buffer<uint8_t>::New(env, each);
  for (size_t at = 0; at < each; at += sizeof(uint64_t)) {
    uint64_t sum = 0, word = 0;
    for (size_t from = at; from < rows.Length(); from += each) {
      memcpy(&word, rows.Data() + from, sizeof word);
      sum += word;
    }
    memcpy(sums.Data() + at, &sum, sizeof sum);
  }
  return sums;
}

// An RCU grace period: kernel/sched/membarrier.c. With nohz_full the kernel refuses; sleeping long is all that is left.
Napi::Value Settle(const Napi::CallbackInfo &info) {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0) usleep(kLongestRunUs);
  return info.Env().Undefined();
}

Napi::Value LibbpfVersion(const Napi::CallbackInfo &info) {
  return Napi::String::New(info.Env(), libbpf_version_string());
}

Napi::Value IfNameToIndex(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), if_nametoindex(StringArg(info, 0).c_str()));
}

/** struct __sk_buff has so many. */
constexpr uint32_t kMarkWords = 5;

struct RunOptions {
  int repeat = 1;
  uint32_t ifindex = 0;
  bool xdp = true;
  bool live = false;
  uint32_t batch = 0;
  std::vector<uint32_t> mark;
};

bool IsXdp(Napi::Env env, int fd, const Napi::Object &options) {
  if (options.Has("kind")) return options.Get("kind").ToString().Utf8Value() == "xdp";
  std::vector<uint32_t> map_ids;
  return ReadProgram(env, fd, map_ids).type == BPF_PROG_TYPE_XDP;
}

RunOptions ReadRunOptions(Napi::Env env, int fd, const Napi::Value &given) {
  Napi::Object options = given.IsObject() ? given.As<Napi::Object>() : Napi::Object::New(env);
  RunOptions out;
  if (options.Has("repeat")) out.repeat = options.Get("repeat").ToNumber().Int32Value();
  if (options.Has("ifindex")) out.ifindex = options.Get("ifindex").ToNumber().Uint32Value();
  if (options.Has("live")) out.live = options.Get("live").ToBoolean().Value();
  if (options.Has("batch")) out.batch = options.Get("batch").ToNumber().Uint32Value();
  if (options.Has("mark")) {
    Napi::Array mark = options.Get("mark").As<Napi::Array>();
    for (uint32_t i = 0; i < mark.Length() && i < kMarkWords; i++)
      out.mark.push_back(mark.Get(i).ToNumber().Uint32Value());
  }
  out.xdp = IsXdp(env, fd, options);
  return out;
}

/** The context that carries the device; it must outlive the run. */
struct RunContext {
  struct xdp_md xdp = {};
  struct __sk_buff skb = {};
};

void SetDevice(struct bpf_test_run_opts &run, RunContext &context, const RunOptions &options) {
  if (options.ifindex == 0 && options.mark.empty()) return;
  if (options.xdp) {
    // The kernel wants the bounds of metadata and frame here.
    context.xdp.data = static_cast<uint32_t>(options.mark.size() * sizeof(uint32_t));
    context.xdp.data_end = run.data_size_in;
    context.xdp.ingress_ifindex = options.ifindex;
    run.ctx_in = &context.xdp;
    run.ctx_size_in = sizeof context.xdp;
  } else {
    context.skb.ifindex = options.ifindex;
    for (size_t i = 0; i < options.mark.size(); i++) context.skb.cb[i] = options.mark[i];
    run.ctx_in = &context.skb;
    run.ctx_size_in = sizeof context.skb;
  }
}

/** Live frames leave: the kernel refuses to give one back. */
void SetOutput(struct bpf_test_run_opts &run, std::vector<uint8_t> &out, const RunOptions &options) {
  if (options.live) {
    run.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    run.batch_size = options.batch;
    return;
  }
  out.resize(run.data_size_in + kRoomToGrow);
  run.data_out = out.data();
  run.data_size_out = static_cast<uint32_t>(out.size());
}

Napi::Value TestRun(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  int fd = IntArg(info, 0);
  Napi::Buffer<uint8_t> frame = BufferArg(info, 1);
  RunOptions options = ReadRunOptions(env, fd, info[2]);
  RunContext context;
  std::vector<uint8_t> out;
  struct bpf_test_run_opts run = {};
  run.sz = sizeof run;
  size_t mark_bytes = options.xdp ? options.mark.size() * sizeof(uint32_t) : 0;
  std::vector<uint8_t> in(mark_bytes + frame.Length());
  if (mark_bytes > 0) memcpy(in.data(), options.mark.data(), mark_bytes);
  memcpy(in.data() + mark_bytes, frame.Data(), frame.Length());
  run.data_in = in.data();
  run.data_size_in = static_cast<uint32_t>(in.size());
  run.repeat = options.repeat;
  SetDevice(run, context, options);
  SetOutput(run, out, options);
  int result = bpf_prog_test_run_opts(fd, &run);
  CheckBpf(env, result, "bpf_prog_test_run", std::to_string(frame.Length()) + " bytes");
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("action", static_cast<int32_t>(run.retval));
  // The metadata comes back in front of the frame.
  size_t bytes = options.live ? 0 : run.data_size_out - mark_bytes;
  answer.Set("data", Napi::Buffer<uint8_t>::Copy(env, out.data() + mark_bytes, bytes));
  answer.Set("durationNs", run.duration);
  return answer;
}

}  // namespace

void InitInspect(Napi::Env, Napi::Object exports) {
  Export(exports, "programInfo", ProgramInfo);
  Export(exports, "programFdById", ProgramFdById);
  Export(exports, "mapInfo", MapInfo);
  Export(exports, "possibleCpus", PossibleCpus);
  Export(exports, "libbpfVersion", LibbpfVersion);
  Export(exports, "ifNameToIndex", IfNameToIndex);
  Export(exports, "testRun", TestRun);
  Export(exports, "sumStripes", SumStripes);
  Export(exports, "sumRows", SumRows);
  Export(exports, "settle", Settle);
}

}  // namespace havip
