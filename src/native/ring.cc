// SPDX-License-Identifier: BSD-2-Clause
// RingBuffer: a BPF ring buffer on Node's loop, one callback a drain with one Buffer of fixed-size records.
// The bytes are not looked at: what a record means is in src/kernel.
#include <bpf/libbpf.h>

#include <cerrno>
#include <vector>

#include "reader.h"

namespace havip {

namespace {

constexpr int kDefaultBatch = 4096;

class RingBuffer : public Napi::ObjectWrap<RingBuffer>, private Reader {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit RingBuffer(const Napi::CallbackInfo &info);
  ~RingBuffer() override { ring_buffer__free(ring_); }

 private:
  Napi::Value Consume(const Napi::CallbackInfo &info);
  Napi::Value CloseMethod(const Napi::CallbackInfo &info);
  Napi::Value RefMethod(const Napi::CallbackInfo &info);
  Napi::Value UnrefMethod(const Napi::CallbackInfo &info);
  Napi::Value BadRecords(const Napi::CallbackInfo &info);

  static int OnRecord(void *context, void *data, size_t size);
  void OnReadable() override { Drain(); }
  void OnTeardown() override { Close(); }
  uint32_t Drain();
  void Close();

  Fd map_;
  struct ring_buffer *ring_ = nullptr;
  size_t record_bytes_;
  size_t max_batch_;
  std::vector<uint8_t> batch_;
  size_t taken_ = 0;
  double bad_records_ = 0;
};

Napi::Function RingBuffer::Define(Napi::Env env) {
  return DefineClass(
      env, "RingBuffer",
      {InstanceMethod<&RingBuffer::Consume>("consume"), InstanceMethod<&RingBuffer::CloseMethod>("close"),
       InstanceMethod<&RingBuffer::RefMethod>("ref"), InstanceMethod<&RingBuffer::UnrefMethod>("unref"),
       InstanceAccessor<&RingBuffer::BadRecords>("badRecords")});
}

RingBuffer::RingBuffer(const Napi::CallbackInfo &info) : Napi::ObjectWrap<RingBuffer>(info) {
  Napi::Env env = info.Env();
  int record_bytes = IntArg(info, 1);
  int max_batch = info[3].IsUndefined() ? kDefaultBatch : IntArg(info, 3);
  if (record_bytes <= 0 || max_batch <= 0 || !info[2].IsFunction()) {
    throw Napi::TypeError::New(env, "RingBuffer(mapFd, recordBytes > 0, function, maxBatch > 0)");
  }
  record_bytes_ = static_cast<size_t>(record_bytes);
  max_batch_ = static_cast<size_t>(max_batch);
  map_.Reset(Duplicate(env, IntArg(info, 0)));
  LibbpfLog log;
  ring_ = ring_buffer__new(map_.Get(), OnRecord, this, nullptr);
  if (ring_ == nullptr) Throw(env, errno, "ring_buffer__new", "map fd " + info[0].ToString().Utf8Value(), log.Text());
  StartReading(env, ring_buffer__epoll_fd(ring_), info[2].As<Napi::Function>());
  Ref();  // an open reader is not collected, even if JavaScript lets go of it
}

int RingBuffer::OnRecord(void *context, void *data, size_t size) {
  RingBuffer *self = static_cast<RingBuffer *>(context);
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  if (size == self->record_bytes_) {
    self->batch_.insert(self->batch_.end(), bytes, bytes + size);
  } else {
    self->bad_records_ += 1;
  }
  // Only a negative answer stops a drain; this record counts as consumed.
  return ++self->taken_ < self->max_batch_ ? 0 : -ECANCELED;
}

uint32_t RingBuffer::Drain() {
  if (ring_ == nullptr) return 0;
  batch_.clear();
  taken_ = 0;
  ring_buffer__consume(ring_);
  uint32_t taken = static_cast<uint32_t>(taken_);
  if (batch_.empty()) return taken;
  Napi::Env env = Env();
  Napi::HandleScope scope(env);
  Napi::Number count = Napi::Number::New(env, static_cast<double>(batch_.size() / record_bytes_));
  Emit(env, Value(), {Napi::Buffer<uint8_t>::Copy(env, batch_.data(), batch_.size()), count});
  return taken;
}

void RingBuffer::Close() {
  if (ring_ == nullptr) return;
  StopReading();
  ring_buffer__free(ring_);
  ring_ = nullptr;
  map_.Reset();
  Unref();
}

Napi::Value RingBuffer::Consume(const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), Drain()); }

Napi::Value RingBuffer::CloseMethod(const Napi::CallbackInfo &info) {
  Close();
  return info.Env().Undefined();
}

Napi::Value RingBuffer::RefMethod(const Napi::CallbackInfo &info) {
  KeepLoopAlive(true);
  return info.Env().Undefined();
}

Napi::Value RingBuffer::UnrefMethod(const Napi::CallbackInfo &info) {
  KeepLoopAlive(false);
  return info.Env().Undefined();
}

Napi::Value RingBuffer::BadRecords(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), bad_records_);
}

}  // namespace

void InitRing(Napi::Env env, Napi::Object exports) { exports.Set("RingBuffer", RingBuffer::Define(env)); }

}  // namespace havip
