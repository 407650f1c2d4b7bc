// SPDX-License-Identifier: BSD-2-Clause
// Programs onto devices: bpf_link for XDP and TCX, the clsact filter where the kernel has no TCX, and pins.
// Nothing here is owned by an object: descriptors are plain numbers and the caller closes them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support.h"

namespace havip {

namespace {

constexpr uint32_t kLinkTypeTcx = 11;  // as kTcxIngress

constexpr long kBpffsMagic = 0xcafe4a11;

struct Hook {
  int attach_type;
  uint32_t flags;
};

Hook HookByName(Napi::Env env, const std::string &name) {
  if (name == "xdp") return {BPF_XDP, XDP_FLAGS_DRV_MODE};
  if (name == "xdp-generic") return {BPF_XDP, XDP_FLAGS_SKB_MODE};
  if (name == "tcx-ingress") return {kTcxIngress, 0};
  if (name == "tcx-egress") return {kTcxEgress, 0};
  throw Napi::TypeError::New(env, "hook " + name + ": xdp, xdp-generic, tcx-ingress or tcx-egress");
}

Napi::Value LinkCreate(const Napi::CallbackInfo &info) {
  int ifindex = IntArg(info, 1);
  std::string name = StringArg(info, 2);
  Hook hook = HookByName(info.Env(), name);
  struct bpf_link_create_opts opts = {};
  opts.sz = sizeof opts;
  opts.flags = hook.flags;
  int fd = bpf_link_create(IntArg(info, 0), ifindex, static_cast<enum bpf_attach_type>(hook.attach_type), &opts);
  CheckBpf(info.Env(), fd, "bpf_link_create", name + " on ifindex " + std::to_string(ifindex));
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value LinkUpdate(const Napi::CallbackInfo &info) {
  int fd = IntArg(info, 0);
  CheckBpf(info.Env(), bpf_link_update(fd, IntArg(info, 1), nullptr), "bpf_link_update", "fd " + std::to_string(fd));
  return info.Env().Undefined();
}

Napi::Value LinkDetach(const Napi::CallbackInfo &info) {
  int fd = IntArg(info, 0);
  CheckBpf(info.Env(), bpf_link_detach(fd), "bpf_link_detach", "fd " + std::to_string(fd));
  return info.Env().Undefined();
}

const char *LinkKind(uint32_t type) {
  if (type == BPF_LINK_TYPE_XDP) return "xdp";
  return type == kLinkTypeTcx ? "tcx" : "other";
}

Napi::Value LinkInfo(const Napi::CallbackInfo &info) {
  int fd = IntArg(info, 0);
  struct bpf_link_info link = {};
  uint32_t length = sizeof link;
  CheckBpf(info.Env(), bpf_obj_get_info_by_fd(fd, &link, &length), "bpf_obj_get_info_by_fd",
           "link fd " + std::to_string(fd));
  struct {
    uint32_t ifindex;
    uint32_t attach_type;
  } tcx = {};  // the 6.6 member of the union; xdp has the ifindex at the same place and no attach type
  static_assert(offsetof(struct bpf_link_info, xdp) == 16, "the union of bpf_link_info is at byte 16");
  memcpy(&tcx, &link.xdp, sizeof tcx);
  std::string kind = LinkKind(link.type);
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("id", link.id);
  out.Set("programId", link.prog_id);
  out.Set("ifindex", kind == "other" ? 0 : tcx.ifindex);
  out.Set("kind", kind);
  out.Set("attachType", kind == "xdp" ? static_cast<uint32_t>(BPF_XDP) : kind == "tcx" ? tcx.attach_type : 0);
  return out;
}

struct bpf_tc_hook TcHook(const Napi::CallbackInfo &info, size_t ifindex_at) {
  std::string direction = StringArg(info, ifindex_at + 1);
  struct bpf_tc_hook hook = {};
  hook.sz = sizeof hook;
  hook.ifindex = IntArg(info, ifindex_at);
  if (direction == "ingress") {
    hook.attach_point = BPF_TC_INGRESS;
  } else if (direction == "egress") {
    hook.attach_point = BPF_TC_EGRESS;
  } else {
    throw Napi::TypeError::New(info.Env(), "direction " + direction + ": ingress or egress");
  }
  return hook;
}

struct bpf_tc_opts TcOptions(const Napi::CallbackInfo &info, size_t handle_at) {
  struct bpf_tc_opts opts = {};
  opts.sz = sizeof opts;
  opts.handle = static_cast<uint32_t>(IntArg(info, handle_at));
  opts.priority = static_cast<uint32_t>(IntArg(info, handle_at + 1));
  return opts;
}

std::string TcSubject(const struct bpf_tc_hook &hook) {
  return std::string(hook.attach_point == BPF_TC_INGRESS ? "ingress" : "egress") + " of ifindex " +
         std::to_string(hook.ifindex);
}

Napi::Value TcAttach(const Napi::CallbackInfo &info) {
  struct bpf_tc_hook hook = TcHook(info, 1);
  struct bpf_tc_opts opts = TcOptions(info, 3);
  opts.prog_fd = IntArg(info, 0);
  opts.flags = BPF_TC_F_REPLACE;
  LibbpfLog log;
  int created = bpf_tc_hook_create(&hook);
  if (created < 0 && created != -EEXIST) Throw(info.Env(), -created, "bpf_tc_hook_create", TcSubject(hook), log.Text());
  CheckBpf(info.Env(), bpf_tc_attach(&hook, &opts), "bpf_tc_attach", TcSubject(hook), log.Text());
  return Napi::Boolean::New(info.Env(), created == 0);
}

/** ENODEV: the device has gone. EINVAL: it has no clsact at all. ENOENT: only the filter is missing. */
bool IsAbsent(int result) { return result == -ENODEV || result == -EINVAL || result == -ENOENT; }

Napi::Value TcDetach(const Napi::CallbackInfo &info) {
  struct bpf_tc_hook hook = TcHook(info, 0);
  struct bpf_tc_opts opts = TcOptions(info, 2);
  LibbpfLog log;
  int detached = bpf_tc_detach(&hook, &opts);
  if (detached < 0 && !IsAbsent(detached)) Throw(info.Env(), -detached, "bpf_tc_detach", TcSubject(hook), log.Text());
  if (!info[4].ToBoolean().Value()) return info.Env().Undefined();
  std::string subject = "clsact of ifindex " + std::to_string(hook.ifindex);
  hook.attach_point = static_cast<enum bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  int destroyed = bpf_tc_hook_destroy(&hook);
  if (destroyed < 0 && !IsAbsent(destroyed)) Throw(info.Env(), -destroyed, "bpf_tc_hook_destroy", subject, log.Text());
  return info.Env().Undefined();
}

Napi::Value TcQuery(const Napi::CallbackInfo &info) {
  struct bpf_tc_hook hook = TcHook(info, 0);
  struct bpf_tc_opts opts = TcOptions(info, 2);
  LibbpfLog log;
  int result = bpf_tc_query(&hook, &opts);
  if (IsAbsent(result)) return Napi::Number::New(info.Env(), 0);
  CheckBpf(info.Env(), result, "bpf_tc_query", TcSubject(hook), log.Text());
  return Napi::Number::New(info.Env(), opts.prog_id);
}

Napi::Value Pin(const Napi::CallbackInfo &info) {
  std::string path = StringArg(info, 1);
  CheckBpf(info.Env(), bpf_obj_pin(IntArg(info, 0), path.c_str()), "bpf_obj_pin", path);
  return info.Env().Undefined();
}

Napi::Value OpenPin(const Napi::CallbackInfo &info) {
  std::string path = StringArg(info, 0);
  return Napi::Number::New(info.Env(), CheckBpf(info.Env(), bpf_obj_get(path.c_str()), "bpf_obj_get", path));
}

Napi::Value FsIsBpffs(const Napi::CallbackInfo &info) {
  std::string path = StringArg(info, 0);
  struct statfs fs = {};
  CheckSys(info.Env(), statfs(path.c_str(), &fs), "statfs", path);
  return Napi::Boolean::New(info.Env(), fs.f_type == kBpffsMagic);
}

Napi::Value LockFolder(const Napi::CallbackInfo &info) {
  std::string path = StringArg(info, 0);
  Fd fd(CheckSys(info.Env(), open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", path));
  CheckSys(info.Env(), flock(fd.Get(), LOCK_EX | LOCK_NB), "flock", path);
  return Napi::Number::New(info.Env(), fd.Release());
}

Napi::Value CloseFd(const Napi::CallbackInfo &info) {
  int fd = IntArg(info, 0);
  CheckSys(info.Env(), close(fd), "close", "fd " + std::to_string(fd));
  return info.Env().Undefined();
}

}  // namespace

void InitAttach(Napi::Env, Napi::Object exports) {
  Export(exports, "linkCreate", LinkCreate);
  Export(exports, "linkUpdate", LinkUpdate);
  Export(exports, "linkDetach", LinkDetach);
  Export(exports, "linkInfo", LinkInfo);
  Export(exports, "tcAttach", TcAttach);
  Export(exports, "tcDetach", TcDetach);
  Export(exports, "tcQuery", TcQuery);
  Export(exports, "pin", Pin);
  Export(exports, "openPin", OpenPin);
  Export(exports, "fsIsBpffs", FsIsBpffs);
  Export(exports, "lockFolder", LockFolder);
  Export(exports, "closeFd", CloseFd);
}

}  // namespace havip
