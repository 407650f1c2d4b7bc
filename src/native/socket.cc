// SPDX-License-Identifier: BSD-2-Clause
// NetlinkSocket and PacketSocket on Node's loop: datagrams in, datagrams out, never parsed here.
// Both belong to the network namespace of the thread that creates them.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "reader.h"

namespace havip {

namespace {

constexpr int kReceiveBufferBytes = 1 << 20;
constexpr int kDatagramsAWakeUp = 64;  // more wait for the loop's next turn: timers and rings get theirs
constexpr size_t kLargestDatagram = 65536 + 64;
constexpr size_t kMacsBytes = 12;  // a VLAN tag stands behind the two MACs

/** What both kinds share: one descriptor, its close, the send, the loop over datagrams. */
class SocketReader : public Reader {
 protected:
  virtual Napi::Env Environment() = 0;
  virtual Napi::Object Self() = 0;
  virtual void Forget() = 0;
  /** True: a datagram or an overrun was told; false: nothing left. */
  virtual bool ReceiveOne(Napi::Env env) = 0;

  void OnReadable() override;
  void OnTeardown() override { Close(); }
  void Listen(Napi::Env env, Napi::Function callback);
  void Close();
  void Send(const Napi::CallbackInfo &info);

  Fd fd_;
  std::vector<uint8_t> buffer_;
};

void SocketReader::Listen(Napi::Env env, Napi::Function callback) {
  buffer_.resize(kLargestDatagram);
  StartReading(env, fd_.Get(), callback);
}

void SocketReader::OnReadable() {
  Napi::Env env = Environment();
  for (int i = 0; i < kDatagramsAWakeUp && fd_.Open(); i++) {
    Napi::HandleScope scope(env);
    if (!ReceiveOne(env)) return;
  }
}

void SocketReader::Close() {
  if (!fd_.Open()) return;
  bool was_reading = Reading();
  StopReading();
  fd_.Reset();
  if (was_reading) Forget();
}

void SocketReader::Send(const Napi::CallbackInfo &info) {
  Napi::Buffer<uint8_t> bytes = BufferArg(info, 0);
  ssize_t sent = send(fd_.Get(), bytes.Data(), bytes.Length(), MSG_DONTWAIT);
  CheckSys(info.Env(), sent < 0 ? -1 : 0, "send", std::to_string(bytes.Length()) + " bytes");
}

void EnlargeReceiveBuffer(int fd) {
  // Without CAP_NET_ADMIN the unforced size is capped by net.core.rmem_max; a smaller buffer only overruns sooner.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes) == 0) return;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
}

/** The methods that JavaScript sees on both kinds. */
template <class Derived>
class JsSocket : public Napi::ObjectWrap<Derived>, public SocketReader {
 public:
  explicit JsSocket(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Derived>(info) {}
  ~JsSocket() override = default;

  Napi::Value SendMethod(const Napi::CallbackInfo &info) {
    Send(info);
    return info.Env().Undefined();
  }
  Napi::Value CloseMethod(const Napi::CallbackInfo &info) {
    Close();
    return info.Env().Undefined();
  }
  Napi::Value RefMethod(const Napi::CallbackInfo &info) {
    KeepLoopAlive(true);
    return info.Env().Undefined();
  }
  Napi::Value UnrefMethod(const Napi::CallbackInfo &info) {
    KeepLoopAlive(false);
    return info.Env().Undefined();
  }

 protected:
  Napi::Env Environment() override { return this->Env(); }
  Napi::Object Self() override { return this->Value(); }
  void Forget() override { this->Unref(); }
  void ListenAndStay(Napi::Env env, Napi::Function callback) {
    Listen(env, callback);
    this->Ref();  // an open reader is not collected, even if JavaScript lets go of it
  }
};

class NetlinkSocket : public JsSocket<NetlinkSocket> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NetlinkSocket(const Napi::CallbackInfo &info);

 private:
  Napi::Value JoinGroup(const Napi::CallbackInfo &info);
  void Join(Napi::Env env, int group);
  bool ReceiveOne(Napi::Env env) override;
};

Napi::Function NetlinkSocket::Define(Napi::Env env) {
  return DefineClass(env, "NetlinkSocket",
                     {InstanceMethod("joinGroup", &NetlinkSocket::JoinGroup),
                      InstanceMethod("send", &NetlinkSocket::SendMethod),
                      InstanceMethod("close", &NetlinkSocket::CloseMethod),
                      InstanceMethod("ref", &NetlinkSocket::RefMethod),
                      InstanceMethod("unref", &NetlinkSocket::UnrefMethod)});
}

NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo &info) : JsSocket<NetlinkSocket>(info) {
  Napi::Env env = info.Env();
  int protocol = IntArg(info, 0);
  if (!info[1].IsArray() || !info[2].IsFunction()) {
    throw Napi::TypeError::New(env, "NetlinkSocket(protocol, groups, function)");
  }
  std::string subject = "netlink protocol " + std::to_string(protocol);
  fd_.Reset(CheckSys(env, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), "socket", subject));
  EnlargeReceiveBuffer(fd_.Get());
  struct sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  CheckSys(env, bind(fd_.Get(), reinterpret_cast<struct sockaddr *>(&address), sizeof address), "bind", subject);
  Napi::Array groups = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < groups.Length(); i++) Join(env, groups.Get(i).ToNumber().Int32Value());
  ListenAndStay(env, info[2].As<Napi::Function>());
}

void NetlinkSocket::Join(Napi::Env env, int group) {
  CheckSys(env, setsockopt(fd_.Get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), "setsockopt",
           "NETLINK_ADD_MEMBERSHIP " + std::to_string(group));
}

Napi::Value NetlinkSocket::JoinGroup(const Napi::CallbackInfo &info) {
  Join(info.Env(), IntArg(info, 0));
  return info.Env().Undefined();
}

bool NetlinkSocket::ReceiveOne(Napi::Env env) {
  struct sockaddr_nl sender = {};
  struct iovec part = {buffer_.data(), buffer_.size()};
  struct msghdr message = {};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t length = recvmsg(fd_.Get(), &message, MSG_DONTWAIT);
  if (length < 0) {
    if (errno == EINTR) return true;
    if (errno != ENOBUFS) return false;
  }
  // A datagram that did not fit is as lost as one that was dropped.
  if (length < 0 || (message.msg_flags & MSG_TRUNC) != 0) {
    Emit(env, Self(), {env.Null()});
    return true;
  }
  if (sender.nl_pid != 0) return true;  // only the kernel is believed
  Emit(env, Self(), {Napi::Buffer<uint8_t>::Copy(env, buffer_.data(), static_cast<size_t>(length))});
  return true;
}

class PacketSocket : public JsSocket<PacketSocket> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit PacketSocket(const Napi::CallbackInfo &info);

 private:
  void PrepareToRead(Napi::Env env, uint16_t ethertype);
  bool ReceiveOne(Napi::Env env) override;
  size_t RestoreVlanTag(struct msghdr *message, size_t length);
};

Napi::Function PacketSocket::Define(Napi::Env env) {
  return DefineClass(
      env, "PacketSocket",
      {InstanceMethod("send", &PacketSocket::SendMethod), InstanceMethod("close", &PacketSocket::CloseMethod),
       InstanceMethod("ref", &PacketSocket::RefMethod), InstanceMethod("unref", &PacketSocket::UnrefMethod)});
}

PacketSocket::PacketSocket(const Napi::CallbackInfo &info) : JsSocket<PacketSocket>(info) {
  Napi::Env env = info.Env();
  bool reads = info[2].IsFunction();
  std::string subject = "AF_PACKET on ifindex " + std::to_string(IntArg(info, 0));
  // Created without a protocol, else it would queue frames of every device until it is bound.
  fd_.Reset(CheckSys(env, socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket", subject));
  if (reads) PrepareToRead(env, static_cast<uint16_t>(IntArg(info, 1)));
  struct sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = IntArg(info, 0);
  address.sll_protocol = reads ? htons(ETH_P_ALL) : 0;
  CheckSys(env, bind(fd_.Get(), reinterpret_cast<struct sockaddr *>(&address), sizeof address), "bind", subject);
  if (reads) ListenAndStay(env, info[2].As<Napi::Function>());
}

/**
 * Only sockets for all protocols hear a device before its bridge takes the frame, and before the kernel forgets the
 * VLAN tag of a VLAN it does not know. So the ethertype is asked by a filter: what skb->protocol says, behind one tag.
 */
void FilterByProtocol(Napi::Env env, int fd, uint16_t ethertype) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ethertype, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  CheckSys(env, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), "setsockopt",
           "SO_ATTACH_FILTER");
}

void PacketSocket::PrepareToRead(Napi::Env env, uint16_t ethertype) {
  int one = 1;
  EnlargeReceiveBuffer(fd_.Get());
  CheckSys(env, setsockopt(fd_.Get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one), "setsockopt",
           "PACKET_IGNORE_OUTGOING");
  CheckSys(env, setsockopt(fd_.Get(), SOL_PACKET, PACKET_AUXDATA, &one, sizeof one), "setsockopt", "PACKET_AUXDATA");
  if (ethertype != ETH_P_ALL) FilterByProtocol(env, fd_.Get(), ethertype);
}

/** The kernel takes the outermost tag off and hands it over beside the frame; put it back. Returns the new length. */
size_t PacketSocket::RestoreVlanTag(struct msghdr *message, size_t length) {
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  if (control == nullptr || control->cmsg_type != PACKET_AUXDATA || length < kMacsBytes) return length;
  struct tpacket_auxdata aux = {};
  memcpy(&aux, CMSG_DATA(control), sizeof aux);
  if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0) return length;
  bool has_tpid = (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
  uint16_t tag[2] = {htons(has_tpid ? aux.tp_vlan_tpid : ETH_P_8021Q), htons(aux.tp_vlan_tci)};
  uint8_t *behind_macs = buffer_.data() + kMacsBytes;
  memmove(behind_macs + sizeof tag, behind_macs, length - kMacsBytes);
  memcpy(behind_macs, tag, sizeof tag);
  return length + sizeof tag;
}

bool PacketSocket::ReceiveOne(Napi::Env env) {
  alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
  struct iovec part = {buffer_.data(), buffer_.size() - 4};  // a tag may come back in
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t length = recvmsg(fd_.Get(), &message, MSG_DONTWAIT);
  // ENETDOWN is told once when the device goes down; what follows when it is up again still arrives.
  if (length < 0) return errno == EINTR || errno == ENETDOWN;
  size_t whole = RestoreVlanTag(&message, static_cast<size_t>(length));
  Emit(env, Self(), {Napi::Buffer<uint8_t>::Copy(env, buffer_.data(), whole)});
  return true;
}

}  // namespace

void InitSocket(Napi::Env env, Napi::Object exports) {
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("PacketSocket", PacketSocket::Define(env));
}

}  // namespace havip
