// SPDX-License-Identifier: BSD-2-Clause
// BpfObject: a libbpf object from open to load. Pinning, attaching and layout checks are the caller's.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "support.h"

namespace havip {

namespace {

class BpfObject : public Napi::ObjectWrap<BpfObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit BpfObject(const Napi::CallbackInfo &info);
  ~BpfObject() override { bpf_object__close(object_); }

 private:
  Napi::Value SetMaxEntries(const Napi::CallbackInfo &info);
  Napi::Value ReuseMap(const Napi::CallbackInfo &info);
  Napi::Value SetConstant(const Napi::CallbackInfo &info);
  Napi::Value Load(const Napi::CallbackInfo &info);
  Napi::Value LoadInBackground(const Napi::CallbackInfo &info);
  Napi::Value MapFd(const Napi::CallbackInfo &info);
  Napi::Value ProgramFd(const Napi::CallbackInfo &info);
  Napi::Value Maps(const Napi::CallbackInfo &info);
  Napi::Value Programs(const Napi::CallbackInfo &info);
  Napi::Value Close(const Napi::CallbackInfo &info);

  struct bpf_object *Opened(Napi::Env env);
  struct bpf_map *FindMap(Napi::Env env, const std::string &name);

  friend class LoadWorker;

  struct bpf_object *object_ = nullptr;
  std::string path_;
  bool loading_ = false;
};

Napi::Function BpfObject::Define(Napi::Env env) {
  return DefineClass(env, "BpfObject",
                     {InstanceMethod<&BpfObject::SetMaxEntries>("setMaxEntries"),
                      InstanceMethod<&BpfObject::ReuseMap>("reuseMap"),
                      InstanceMethod<&BpfObject::SetConstant>("setConstant"), InstanceMethod<&BpfObject::Load>("load"),
                      InstanceMethod<&BpfObject::LoadInBackground>("loadInBackground"),
                      InstanceMethod<&BpfObject::MapFd>("mapFd"),
                      InstanceMethod<&BpfObject::ProgramFd>("programFd"),
                      InstanceMethod<&BpfObject::Maps>("maps"),
                      InstanceMethod<&BpfObject::Programs>("programs"), InstanceMethod<&BpfObject::Close>("close")});
}

BpfObject::BpfObject(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<BpfObject>(info), path_(StringArg(info, 0)) {
  LibbpfLog log;
  object_ = bpf_object__open_file(path_.c_str(), nullptr);
  if (object_ == nullptr) Throw(info.Env(), errno, "bpf_object__open_file", path_, log.Text());
}

struct bpf_object *BpfObject::Opened(Napi::Env env) {
  if (object_ == nullptr) Throw(env, EBADF, "bpf_object", path_ + ", closed");
  if (loading_) Throw(env, EBUSY, "bpf_object", path_ + ", being loaded");
  return object_;
}

struct bpf_map *BpfObject::FindMap(Napi::Env env, const std::string &name) {
  struct bpf_map *map = bpf_object__find_map_by_name(Opened(env), name.c_str());
  if (map == nullptr) Throw(env, ENOENT, "bpf_object__find_map_by_name", name + " in " + path_);
  return map;
}

Napi::Value BpfObject::SetMaxEntries(const Napi::CallbackInfo &info) {
  std::string name = StringArg(info, 0);
  struct bpf_map *map = FindMap(info.Env(), name);
  uint32_t entries = static_cast<uint32_t>(IntArg(info, 1));
  CheckBpf(info.Env(), bpf_map__set_max_entries(map, entries), "bpf_map__set_max_entries", name);
  return info.Env().Undefined();
}

Napi::Value BpfObject::ReuseMap(const Napi::CallbackInfo &info) {
  std::string name = StringArg(info, 0);
  struct bpf_map *map = FindMap(info.Env(), name);
  LibbpfLog log;
  CheckBpf(info.Env(), bpf_map__reuse_fd(map, IntArg(info, 1)), "bpf_map__reuse_fd", name, log.Text());
  return info.Env().Undefined();
}

// libbpf has the section as one map, which has no name to find it by before the load but its ending.
struct bpf_map *FindConstants(const struct bpf_object *object) {
  struct bpf_map *map = nullptr;
  bpf_object__for_each_map(map, object) {
    std::string name = bpf_map__name(map);
    if (bpf_map__is_internal(map) && name.size() >= 7 && name.compare(name.size() - 7, 7, ".rodata") == 0) break;
  }
  return map;
}

// Where a variable lies in .rodata; null: there is none of that name.
const struct btf_var_secinfo *FindVariable(const struct btf *btf, const std::string &name) {
  int32_t section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
  if (section < 0) return nullptr;
  const struct btf_type *type = btf__type_by_id(btf, static_cast<uint32_t>(section));
  const struct btf_var_secinfo *found = btf_var_secinfos(type);
  for (int i = 0; i < btf_vlen(type); i++, found++) {
    const struct btf_type *variable = btf__type_by_id(btf, found->type);
    if (name == btf__name_by_offset(btf, variable->name_off)) return found;
  }
  return nullptr;
}

Napi::Value BpfObject::SetConstant(const Napi::CallbackInfo &info) {
  std::string name = StringArg(info, 0);
  Napi::Buffer<uint8_t> value = BufferArg(info, 1);
  const struct bpf_object *object = Opened(info.Env());
  struct bpf_map *map = FindConstants(object);
  const struct btf_var_secinfo *variable = FindVariable(bpf_object__btf(object), name);
  if (map == nullptr || variable == nullptr) Throw(info.Env(), ENOENT, "bpf_map__set_initial_value", name + " in " + path_);
  if (bpf_map__fd(map) >= 0) Throw(info.Env(), EBUSY, "bpf_map__set_initial_value", name + ", loaded");
  size_t bytes = 0;
  const void *old = bpf_map__initial_value(map, &bytes);
  if (old == nullptr || variable->size != value.Length() || variable->offset + value.Length() > bytes) {
    Throw(info.Env(), EINVAL, "bpf_map__set_initial_value", name + ": of another size");
  }
  std::vector<uint8_t> all(static_cast<const uint8_t *>(old), static_cast<const uint8_t *>(old) + bytes);
  std::copy_n(value.Data(), value.Length(), all.begin() + variable->offset);
  int result = bpf_map__set_initial_value(map, all.data(), all.size());
  CheckBpf(info.Env(), result, "bpf_map__set_initial_value", name);
  return info.Env().Undefined();
}

int LoadObject(struct bpf_object *object) {
  int result = bpf_object__load(object);
  // libbpf has let go of the kernel's BTF, which it reads whole; glibc keeps it for what may come (measured: 10 MB).
  malloc_trim(0);
  return result;
}

Napi::Value BpfObject::Load(const Napi::CallbackInfo &info) {
  struct bpf_object *object = Opened(info.Env());
  LibbpfLog log;
  CheckBpf(info.Env(), LoadObject(object), "bpf_object__load", path_, log.Text());
  return info.Env().Undefined();
}

// Deletes itself when it is done, as AsyncWorker does.
class LoadWorker : public Napi::AsyncWorker {
 public:
  explicit LoadWorker(BpfObject *owner)
      : Napi::AsyncWorker(owner->Env()), owner_(owner), done_(Napi::Promise::Deferred::New(owner->Env())) {
    owner_->Ref();
    owner_->loading_ = true;
  }
  Napi::Promise Promise() const { return done_.Promise(); }

 protected:
  void Execute() override {
    LibbpfLog log;
    result_ = LoadObject(owner_->object_);
    log_ = log.Text();
  }

  void OnOK() override {
    if (result_ < 0) {
      Refuse(MakeError(Env(), -result_, "bpf_object__load", owner_->path_, log_));
    } else {
      done_.Resolve(Env().Undefined());
      LetGo();
    }
  }

  // Execute threw: no memory for the log.
  void OnError(const Napi::Error &error) override { Refuse(error); }

 private:
  void Refuse(const Napi::Error &error) {
    done_.Reject(error.Value());
    LetGo();
  }

  void LetGo() {
    owner_->loading_ = false;
    owner_->Unref();
  }

  BpfObject *owner_;
  Napi::Promise::Deferred done_;
  int result_ = 0;
  std::string log_;
};

Napi::Value BpfObject::LoadInBackground(const Napi::CallbackInfo &info) {
  Opened(info.Env());
  LoadWorker *worker = new LoadWorker(this);
  worker->Queue();
  return worker->Promise();
}

Napi::Value BpfObject::MapFd(const Napi::CallbackInfo &info) {
  std::string name = StringArg(info, 0);
  int fd = bpf_map__fd(FindMap(info.Env(), name));
  CheckBpf(info.Env(), fd < 0 ? -EBADF : fd, "bpf_map__fd", name + ", not loaded");
  return Napi::Number::New(info.Env(), Duplicate(info.Env(), fd));
}

Napi::Value BpfObject::ProgramFd(const Napi::CallbackInfo &info) {
  std::string name = StringArg(info, 0);
  struct bpf_program *program = bpf_object__find_program_by_name(Opened(info.Env()), name.c_str());
  if (program == nullptr) {
    Throw(info.Env(), ENOENT, "bpf_object__find_program_by_name", name + " in " + path_);
  }
  int fd = bpf_program__fd(program);
  CheckBpf(info.Env(), fd < 0 ? -EBADF : fd, "bpf_program__fd", name + ", not loaded");
  return Napi::Number::New(info.Env(), Duplicate(info.Env(), fd));
}

Napi::Object Describe(Napi::Env env, const struct bpf_map *map) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", bpf_map__name(map));
  out.Set("type", static_cast<uint32_t>(bpf_map__type(map)));
  out.Set("keySize", bpf_map__key_size(map));
  out.Set("valueSize", bpf_map__value_size(map));
  out.Set("maxEntries", bpf_map__max_entries(map));
  out.Set("flags", bpf_map__map_flags(map));
  return out;
}

Napi::Value BpfObject::Maps(const Napi::CallbackInfo &info) {
  Napi::Array out = Napi::Array::New(info.Env());
  struct bpf_object *object = Opened(info.Env());
  struct bpf_map *map = bpf_object__next_map(object, nullptr);
  for (uint32_t i = 0; map != nullptr; i++, map = bpf_object__next_map(object, map)) {
    out.Set(i, Describe(info.Env(), map));
  }
  return out;
}

Napi::Value BpfObject::Programs(const Napi::CallbackInfo &info) {
  Napi::Array out = Napi::Array::New(info.Env());
  struct bpf_object *object = Opened(info.Env());
  struct bpf_program *program = bpf_object__next_program(object, nullptr);
  for (uint32_t i = 0; program != nullptr; i++, program = bpf_object__next_program(object, program)) {
    out.Set(i, bpf_program__name(program));
  }
  return out;
}

Napi::Value BpfObject::Close(const Napi::CallbackInfo &info) {
  if (object_ != nullptr) Opened(info.Env());
  bpf_object__close(object_);
  object_ = nullptr;
  return info.Env().Undefined();
}

}  // namespace

void InitObject(Napi::Env env, Napi::Object exports) { exports.Set("BpfObject", BpfObject::Define(env)); }

}  // namespace havip
