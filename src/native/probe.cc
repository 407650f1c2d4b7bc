// SPDX-License-Identifier: BSD-2-Clause
// Questions that change nothing, for `havip doctor`: what this kernel can do, what is attached where by whomever.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "support.h"

namespace havip {

namespace {

constexpr uint32_t kMostPrograms = 64;  // BPF_MPROG_MAX

/** What BPF_PROG_QUERY takes since kernel 6.6; the packaged uapi headers are of 6.1. */
struct QueryAttr {
  uint32_t target_ifindex;
  uint32_t attach_type;
  uint32_t query_flags;
  uint32_t attach_flags;
  uint64_t prog_ids;
  uint32_t count;
  uint32_t reserved;
  uint64_t prog_attach_flags;
  uint64_t link_ids;
  uint64_t link_attach_flags;
  uint64_t revision;
};
static_assert(sizeof(QueryAttr) == 64, "union bpf_attr's query is 64 bytes");

Napi::Object IdPair(Napi::Env env, uint32_t program_id, uint32_t link_id) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("programId", program_id);
  out.Set("linkId", link_id);
  return out;
}

Napi::Value TcxQuery(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  uint32_t programs[kMostPrograms] = {};
  uint32_t links[kMostPrograms] = {};
  QueryAttr attr = {};
  attr.target_ifindex = static_cast<uint32_t>(IntArg(info, 0));
  attr.attach_type = StringArg(info, 1) == "egress" ? kTcxEgress : kTcxIngress;
  attr.prog_ids = reinterpret_cast<uint64_t>(programs);
  attr.link_ids = reinterpret_cast<uint64_t>(links);
  attr.count = kMostPrograms;
  CheckSys(env, static_cast<int>(syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof attr)), "BPF_PROG_QUERY",
           "ifindex " + std::to_string(attr.target_ifindex));
  Napi::Array out = Napi::Array::New(env, attr.count);
  for (uint32_t i = 0; i < attr.count; i++) out.Set(i, IdPair(env, programs[i], links[i]));
  return out;
}

Napi::Value LinkIds(const Napi::CallbackInfo &info) {
  Napi::Array out = Napi::Array::New(info.Env());
  uint32_t id = 0;
  for (;;) {
    int result = bpf_link_get_next_id(id, &id);
    if (result == -ENOENT) return out;
    CheckBpf(info.Env(), result, "bpf_link_get_next_id", std::to_string(id));
    out.Set(out.Length(), id);
  }
}

Napi::Value LinkFdById(const Napi::CallbackInfo &info) {
  int id = IntArg(info, 0);
  int fd = bpf_link_get_fd_by_id(static_cast<uint32_t>(id));
  CheckBpf(info.Env(), fd, "bpf_link_get_fd_by_id", std::to_string(id));
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value ProbeHelper(const Napi::CallbackInfo &info) {
  LibbpfLog log;
  int found = libbpf_probe_bpf_helper(static_cast<enum bpf_prog_type>(IntArg(info, 0)),
                                      static_cast<enum bpf_func_id>(IntArg(info, 1)), nullptr);
  CheckBpf(info.Env(), found, "libbpf_probe_bpf_helper", std::to_string(IntArg(info, 1)), log.Text());
  return Napi::Boolean::New(info.Env(), found == 1);
}

Napi::Value ProbeMapType(const Napi::CallbackInfo &info) {
  LibbpfLog log;
  int found = libbpf_probe_bpf_map_type(static_cast<enum bpf_map_type>(IntArg(info, 0)), nullptr);
  CheckBpf(info.Env(), found, "libbpf_probe_bpf_map_type", std::to_string(IntArg(info, 0)), log.Text());
  return Napi::Boolean::New(info.Env(), found == 1);
}

}  // namespace

void InitProbe(Napi::Env, Napi::Object exports) {
  Export(exports, "tcxQuery", TcxQuery);
  Export(exports, "linkIds", LinkIds);
  Export(exports, "linkFdById", LinkFdById);
  Export(exports, "probeHelper", ProbeHelper);
  Export(exports, "probeMapType", ProbeMapType);
}

}  // namespace havip
