/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract between the BPF programs and the loader: every struct, enum and limit that crosses a map or the
 * ring. TypeScript's view of it (src/kernel/layout.gen.ts) is generated from this file's BTF and compared with it
 * by `make check`. No struct has a hole, since a hole in a hash key is a key that is never found again. */
#ifndef HAVIP_H
#define HAVIP_H

#include <linux/bpf.h>
#include <linux/types.h>

/* Raised with every change of a struct or of a map below; pinned state of another one is refused. */
#define HAVIP_ABI 8

enum havip_limits {
	HAVIP_ABI_VERSION = HAVIP_ABI,
	HAVIP_NAME_BYTES = 64,	      /* a network's or subnet's name, NUL included */
	HAVIP_NEAR_PORTS = 4096,      /* by ifindex, modulo; a power of two */
	HAVIP_BUCKET_WORDS = 4,
	HAVIP_PLACED_AT_ONCE = 64,    /* by one command */
	HAVIP_INDEX_BITS = 20,	      /* of a HAVIP's index: a million */
	HAVIP_SUBNETS = 4096,	      /* a word has 12 bits for their index */
	HAVIP_STATIONS = 4096,	      /* senders whose bridge entry is kept alive, by hash; a power of two */
	HAVIP_RING_BYTES = 1 << 20,   /* the doorbell; overruns are counted and reconciled */
	HAVIP_MOVES_MAX = 16,	      /* the largest move budget; a power of two */
	HAVIP_MESSAGE_BYTES = 1536,   /* the longest ND or VRRP message that is read, from its IP header on */
	HAVIP_ADVERT_ADDRESSES = 64,  /* addresses of one VRRP advert that are looked up */
	HAVIP_FLOW_FRAGMENT = 256, /* of later fragments, which tell no ports */
	HAVIP_FLOWS = 65536,
	HAVIP_UNRESOLVED = 256,
	HAVIP_TRACE_MARK = 0x48564950, /* twice over, where no guest writes: this run is only a question */
	HAVIP_TRACE_IFINDEX = 0x7fffffff, /* the row of `ports` that such a run goes by */
};

/* What a port is to the data plane. */
enum havip_port_kind {
	HAVIP_VNIC = 0,	  /* host side of a guest's vNIC: tap or veth */
	HAVIP_UPLINK = 1, /* a NIC; it stands for all that is behind it */
	HAVIP_HOST = 2,	  /* the bridge device itself: what the host sends or routes */
	HAVIP_GATEWAY = 3, /* a device of no bridge that leads out of the networks: EIPs are reached by it */
};

/* Where frames of a HAVIP go, in one aligned 64-bit word, so that a reader on another CPU never sees the port of one
 * holder with the MAC of another. */
struct havip_holder {
	__u8 mac[6]; /* network order, as in a frame */
	__u16 port;  /* slot in `targets`; 0: nobody holds it */
} __attribute__((aligned(8)));

/* A HAVIP's name in the kernel: the address is unique in its subnet only. */
struct havip_key {
	__u32 subnet;	   /* index in `subnets` */
	__u8 address[16];  /* network order; IPv4 as ::ffff:a.b.c.d */
};

struct havip_binding {
	struct havip_holder holder;
	struct havip_holder former; /* the one before; while unheld, the last: a claim by another port is a move */
	__u64 since_ns;		    /* monotonic; arrival of the frame that made it, or of the release */
	__u32 havip;		    /* index in `havips`, `states` and, of each CPU, `havip_counters` */
	__u32 moves;		    /* changes of port, or of the MAC behind an uplink */
	__u32 by;		    /* enum havip_claim_kind of the frame that made it */
	__u32 reserved;
};

/* How large the maps are that programs reckon with; set before the load. */
struct havip_sizes {
	__u32 buckets; /* of `steering` */
	__u32 havips;  /* rows in `havip_counters` of one CPU */
};

/* What packets are steered by (table.h), one cache line: words of an address, its subnet and the HAVIP's index, 0: free;
 * and the holder of each. */
struct havip_bucket {
	__u64 words[HAVIP_BUCKET_WORDS];
	struct havip_holder holders[HAVIP_BUCKET_WORDS];
};

enum havip_policy_flags {
	HAVIP_OPEN = 1,		 /* every vNIC and uplink of the subnet may claim; else those in `members` */
	HAVIP_UNHELD_DROP = 2,	 /* frames to it are dropped while nobody holds it; else passed */
	HAVIP_GUARD_MONITOR = 4, /* refused claims are counted and passed; else dropped */
	HAVIP_REBIND_KERNEL = 8, /* the programs decide and write; else they tell and the loader does */
	HAVIP_ARP_PROXY = 16,	 /* who asks for it is answered where it asks, while somebody holds it */
};

/* What the operator wants of one HAVIP; written by the loader alone. */
struct havip_policy {
	struct havip_key key;
	__u32 flags;	 /* enum havip_policy_flags */
	__u64 window_ns; /* at most `moves` moves in any such time */
	__u16 moves;	 /* 1 .. HAVIP_MOVES_MAX */
	__u8 service_mac[6]; /* what askers are told, whoever holds it; zeros: the holder's own */
};

struct havip_member {
	__u32 havip;
	__u32 port; /* slot */
};

enum havip_port_flags {
	HAVIP_PORT_SECURE = 1, /* the source MAC of its untagged frames is pinned (`portSecurity`) */
	HAVIP_PORT_SHARED = 2, /* its bridge has an uplink: which guests are here matters */
	HAVIP_PORT_TRACED = 4, /* of HAVIP_TRACE_IFINDEX: nothing is counted or heard; or learned: `learn_every_ns` is 0 */
	HAVIP_PORT_EIPS = 8,   /* its subnet's network has EIPs */
	HAVIP_PORT_EIP_ARP = 16, /* of a gateway: it answers for the EIPs (`proxyArp`) */
	HAVIP_PORT_HOLDS = 32, /* it has held a HAVIP: when it last sent as one is worth knowing */
};

/* What the program on a port needs to know of that port; found by ifindex at ingress. */
struct havip_port {
	__u32 slot;
	__u32 subnet;	       /* of untagged frames; 0: none */
	__u32 bridge;	       /* ifindex of the bridge: the broadcast domains are looked up by it */
	__u32 kind;	       /* enum havip_port_kind */
	__u64 learn_every_ns;  /* how often a sender's frame takes the bridge, to keep its entry there; 0: never */
	__u32 generation;      /* as in the slot's target */
	__u32 flags;	       /* enum havip_port_flags */
};

/* The same, where an array finds it: ports whose ifindex, modulo HAVIP_NEAR_PORTS, no other has taken. */
struct havip_near_port {
	struct havip_port port;
	__u32 ifindex; /* 0: the row is empty */
	__u32 reserved;
};

enum havip_target_flags {
	HAVIP_TARGET_PEER = 1,	    /* a veth whose other end is in another namespace: bpf_redirect_peer reaches it */
	HAVIP_TARGET_XDP = 2,	    /* it takes frames redirected from XDP (ndo_xdp_xmit is armed) */
	HAVIP_TARGET_XDP_FRAGS = 4, /* ... and those of several buffers */
};

/* What delivering to a port needs to know of it; found by slot. */
struct havip_target {
	__u32 ifindex;	  /* 0: the slot is empty */
	__u32 mtu;	  /* bytes, without the Ethernet header */
	__u32 kind;	  /* enum havip_port_kind */
	__u32 flags;	  /* enum havip_target_flags */
	__u32 generation; /* counts the ports that had this slot: a new guest inherits nothing */
	__u32 bridge;	  /* ifindex */
	__u8 name[16];	  /* NUL-terminated; for people */
	__u8 mac[6];	  /* the device's own */
	__u16 reserved;
};

/* A broadcast domain: a bridge and a tag stack. */
struct havip_domain {
	__u32 bridge; /* ifindex */
	__u16 outer;  /* VLAN ids in host order, 0: no such tag */
	__u16 inner;
};

/* Which subnet a broadcast domain is. */
struct havip_place {
	__u32 subnet;
	__u32 flags; /* enum havip_port_flags */
};

struct havip_subnet {
	__u8 network[HAVIP_NAME_BYTES];
	__u8 name[HAVIP_NAME_BYTES];
	__u32 used; /* 0: the index is free */
	__u32 network_id; /* of all subnets of one network the same */
};

struct havip_eip_key {
	__u8 address[4]; /* network order, as in the next ones */
};

/* A public address in front of a HAVIP. */
struct havip_eip {
	struct havip_key havip;
	__u32 network; /* havip_subnet.network_id */
	__u32 flags;   /* enum havip_public_flags */
};

enum havip_public_flags {
	HAVIP_PUBLIC_MANY = 1,	 /* several EIPs: which one is a flow's is in `flows` */
	HAVIP_PUBLIC_HOLDER = 2, /* only the holder may leave by it (`egress: holder`) */
	HAVIP_PUBLIC_AWAY = 4,	 /* the gateways are on other hosts: what leaves goes there as it is */
};

/* What a HAVIP's packets leave as. */
struct havip_public {
	__u8 eip[4]; /* the first one */
	__u32 havip;
	__u32 network;
	__u32 flags; /* enum havip_public_flags */
};

/* A block of a network's own addresses: what goes there does not leave. */
struct havip_inside {
	__u32 prefix; /* bits, those of `network` included (BPF_MAP_TYPE_LPM_TRIE) */
	__be32 network; /* network order, so that its bits come in turn */
	__u8 address[4];
};

/* A flow whose EIP cannot be told from its packets alone: of a HAVIP that has several, or of a client inside. */
struct havip_flow_key {
	__u32 havip;
	__u8 remote[4];
	__be16 remote_port; /* or the ICMP query's identifier, or the IPv4 identification */
	__be16 own_port;
	__u32 protocol; /* IPPROTO_*, or HAVIP_FLOW_FRAGMENT */
};

struct havip_flow {
	__u8 eip[4];
};

/* What a frame says about a HAVIP (ANNOUNCEMENTS.md, "Frame by frame"). Appended to, never renumbered. */
enum havip_claim_kind {
	HAVIP_CLAIM_NONE = 0,
	HAVIP_CLAIM_ARP_REQUEST = 1,  /* sender = target: an announcement (RFC 5227 section 3) */
	HAVIP_CLAIM_ARP_REPLY = 2,    /* a reply to everyone: an announcement */
	HAVIP_CLAIM_ARP_ANSWER = 3,   /* a reply to one station */
	HAVIP_CLAIM_ARP_QUESTION = 4, /* a request that the HAVIP's user sends about another address */
	HAVIP_CLAIM_ARP_PROBE = 5,    /* sender 0.0.0.0: somebody means to take it (RFC 5227 section 2.1) */
	HAVIP_CLAIM_NA = 6,	      /* to everyone, Override, with the option: an announcement (RFC 4861 section 7.2.6) */
	HAVIP_CLAIM_NA_ANSWER = 7,    /* any other neighbour advertisement */
	HAVIP_CLAIM_ND_PROBE = 8,     /* a solicitation from ::, duplicate address detection (RFC 4862 section 5.4.2) */
	HAVIP_CLAIM_RARP = 9,	      /* a station says where it is: a live migration (QEMU announce-self) */
	HAVIP_CLAIM_VRRP_ADVERT = 10, /* an observation, never a claim */
	HAVIP_CLAIM_VERIFIED = 11,    /* no frame: the one who answers when the network asks (`heal: verify`) */
	HAVIP_CLAIM_COUNT = 12,
};

/* What came of it. Appended to, never renumbered. */
enum havip_claim_result {
	HAVIP_RESULT_REFRESH = 0,	    /* the holder repeats itself */
	HAVIP_RESULT_CLAIM = 1,		    /* somebody takes the address: the loader decides */
	HAVIP_RESULT_EVIDENCE = 2,	    /* another member uses it; binds nothing */
	HAVIP_RESULT_LIVENESS = 3,	    /* the holder uses it */
	HAVIP_RESULT_INTENT = 4,	    /* a probe */
	HAVIP_RESULT_REFUSED_NOT_MEMBER = 5, /* the port may not claim this HAVIP */
	HAVIP_RESULT_REFUSED_MALFORMED = 6,  /* not the shape of an announcement, though it names a HAVIP */
	HAVIP_RESULT_REFUSED_SPOOF = 7,	     /* the sender hardware address is not the frame's source */
	HAVIP_RESULT_BIND = 8,		     /* nobody held it, and its last holder was at this port or nowhere */
	HAVIP_RESULT_MOVE = 9,		     /* to another port, or to another station behind an uplink */
	HAVIP_RESULT_MAC_CHANGE = 10,	     /* same vNIC, another MAC */
	HAVIP_RESULT_HELD_BACK = 11,	     /* past the move budget: applied when the window opens */
	HAVIP_RESULT_OVERTAKEN = 12,	     /* a newer announcement has been decided on another CPU */
	HAVIP_RESULT_REFLECTED = 13,	     /* the local holder's own, sent back by an uplink */
	HAVIP_RESULT_OBSERVED = 14,	     /* an advert */
	HAVIP_RESULT_STRANGER = 15,	     /* an advert by a port that may not claim */
	HAVIP_RESULT_REFUSED_HOP_LIMIT = 16, /* not 255: it came through a router (RFC 4861 section 7.1.2) */
	HAVIP_RESULT_REFUSED_CHECKSUM = 17,
	HAVIP_RESULT_REFUSED_OPTION = 18,    /* an ND option of length 0, or past the end */
	HAVIP_RESULT_REFUSED_CODE = 19,	     /* ICMPv6 code is not 0 */
	HAVIP_RESULT_REFUSED_SOLICITED = 20, /* Solicited on a multicast destination */
	HAVIP_RESULT_REFUSED_FRAGMENT = 21,  /* ND in fragments (RFC 6980) */
	HAVIP_RESULT_RELEASED = 22,	     /* by command: the holder's port went */
	HAVIP_RESULT_WITHDRAWN = 23,	     /* a claimant held back is not applied: the holder has spoken, or it left */
	HAVIP_RESULT_PORT_GONE = 24,	     /* its port was leaving */
	HAVIP_RESULT_COUNT = 25,
};

/* The newest claim of a port for a HAVIP that the loader decides. */
struct havip_claim {
	__u64 ts_ns;		/* monotonic; when the frame reached the hook */
	struct havip_holder by; /* who claims: the sender hardware address and the port it came in by */
	__u32 havip;
	__u16 kind;   /* enum havip_claim_kind */
	__u16 result; /* enum havip_claim_result */
};

struct havip_claim_key {
	__u32 havip;
	__u32 port; /* slot */
};

/* What made the programs decide. */
enum havip_cause {
	HAVIP_CAUSE_FRAME = 0,
	HAVIP_CAUSE_WINDOW = 1,	 /* the move budget's window opened */
	HAVIP_CAUSE_COMMAND = 2, /* the loader's */
};

/* What rings: one decision, or something worth hearing. Complete in itself, so that it can be told and judged long
 * after; `seq` orders the decisions about one HAVIP, since two CPUs may ring in another order than they wrote. */
struct havip_record {
	__u64 ts_ns;		    /* monotonic; when the frame reached the hook, or the command was given */
	__u64 decided_ns;	    /* monotonic; as `ts_ns`, or when the window opened: the move budget goes by it */
	__u64 done_ns;		    /* monotonic; when the binding was visible; 0: none was written */
	struct havip_holder by;	    /* who spoke */
	struct havip_holder holder; /* before it */
	struct havip_holder former; /* before it */
	__u32 havip;		    /* of a RARP: the subnet's index */
	__u32 seq;		    /* 0: no decision */
	__u32 generation;	    /* of the port `by` */
	__u32 moves;		    /* before it */
	__u16 kind;		    /* enum havip_claim_kind */
	__u16 result;		    /* enum havip_claim_result */
	__u16 cause;		    /* enum havip_cause */
	__u8 vrid;		    /* of adverts, as is the rest */
	__u8 priority;
	__u16 interval_cs; /* centiseconds */
	__u16 version;
	__u32 reserved;
};

struct havip_refusal_key {
	__u32 havip;
	__u32 port;   /* slot */
	__u32 result; /* enum havip_claim_result, one of REFUSED_* */
};

struct havip_refusal {
	__u64 total;   /* since the entry was made */
	__u64 told_ns; /* when the ring last carried one: at most one a second */
	struct havip_holder by; /* the last one that was refused */
	__u64 kind;
};

/* Per HAVIP, what only the programs write. The lock is also that of the HAVIP's binding: every store to it, the
 * loader's by command too, is made under this lock. */
struct havip_state {
	struct bpf_spin_lock lock;
	__u32 seq;		    /* decisions so far */
	struct bpf_timer window;    /* runs while a claimant is held back */
	struct havip_holder held;   /* the binding's holder, and since when: copies for whoever takes a time stamp */
	__u64 held_since_ns;
	struct havip_holder newest; /* whoever announced last, bound yet or not */
	__u64 newest_ns;	    /* arrival of that; an older one that comes late changes nothing */
	__u64 spoke_ns;		    /* the holder's own last announcement */
	struct havip_holder pending; /* the newest claimant past the budget; port 0: none */
	__u64 pending_ns;	    /* arrival of its claim */
	__u32 pending_kind;	    /* enum havip_claim_kind */
	__u32 moved;		    /* moves that were spent so far; the next goes to moved_ns[moved % HAVIP_MOVES_MAX] */
	__u64 moved_ns[HAVIP_MOVES_MAX];
	__u64 asked_until_ns;	    /* until then the holder's answers ring too: the network asks */
};

/* The last VRRP advert of a port that lists a HAVIP. */
struct havip_advert {
	__u64 ts_ns;
	__u64 told_ns; /* when one last rang */
	struct havip_holder by;
	__u64 count;
	__u8 vrid;
	__u8 priority; /* 0: it resigns (RFC 9568 section 6.4.3) */
	__u16 interval_cs;
	__u32 version; /* 2 or 3 */
	__u64 first_ns;	   /* when this series began: after silence, or after it had resigned */
	__u64 master_ns;   /* the last one of a priority above 0, and what that was */
	__u64 master_priority;
	__u64 resigned_ns; /* the last one of priority 0; 0: never */
};

/* A member other than the holder that uses a HAVIP without claiming it, or the holder while the network asks. */
struct havip_speaker {
	__u64 ts_ns;
	__u64 told_ns;
	__u64 count;
	__u64 probed_ns; /* its last probe for it; 0: never */
};

/* Where a holder's MAC was last bound, so that RARP of anybody else costs one look-up. */
struct havip_station_key {
	__u32 subnet;
	__u8 mac[6];
	__u16 reserved;
};

struct havip_stationed {
	__u32 port; /* slot */
	__u32 reserved;
	__u64 told_ns;
};

/* A guest's port. */
struct havip_guest {
	__u32 port;	  /* slot */
	__u32 generation; /* of the port */
};

enum havip_command_op {
	HAVIP_COMMAND_RELEASE = 1, /* if held at port `by`, or by anybody where that is 0 */
	HAVIP_COMMAND_BIND = 2,	   /* to `by`; only if `seq` is still the HAVIP's, where it is not 0 */
	HAVIP_COMMAND_FORGET = 3,  /* the claimant held back at port `by`, or whoever where that is 0 */
	HAVIP_COMMAND_RESET = 4,   /* the index passes to another HAVIP */
	HAVIP_COMMAND_ASK = 5,	   /* answers ring until `ts_ns` */
	HAVIP_COMMAND_CLEAR = 6,   /* nothing of the move budget is spent; who waits goes on waiting */
	HAVIP_COMMAND_PLACE = 7,   /* packets find it, and go by what `bindings` says; answers since when, in done_ns */
	HAVIP_COMMAND_DISPLACE = 8, /* they do not find it any more */
};

/* The loader's only way to write a binding: the "frame" of a test run of `havip_command`, which answers in it. */
struct havip_command {
	__u8 reserved[16]; /* zeros, where the kernel wants an Ethernet header */
	__u32 op;	   /* enum havip_command_op */
	__u32 havip;
	struct havip_holder by;
	__u64 ts_ns;	/* of the claim, or of the release */
	__u32 kind;	/* enum havip_claim_kind, of a BIND */
	__u32 result;	/* BIND, MOVE or MAC_CHANGE, of a BIND */
	__u32 seq;	/* see BIND */
	__u32 count;	/* of a PLACE: indices from `havip` on */
	__u32 done;	/* answer: 1: carried out */
	__u32 unused;
	struct havip_record record; /* answer: what was decided, where something was */
};

/* A sender that has lately crossed the bridge with one of its frames. */
struct havip_station {
	struct havip_holder who;
	__u64 seen_ns;
	__u64 tick; /* of the kernel's clock, when that was last looked at */
};

/* What was seen of one binding's holder; the times are monotonic, 0: not seen. */
struct havip_tenure {
	__u64 since_ns;	     /* the binding's: whose tenure this is */
	__u64 first_to_ns;   /* packets that were delivered to it */
	__u64 last_to_ns;
	__u64 first_from_ns; /* packets that it sent as the HAVIP */
	__u64 last_from_ns;
	__u64 missed_ns;     /* the first packet to the HAVIP since then, delivered or not */
	__u64 missed;	     /* packets since then, as far as they got a stamp */
};

/* The present tenure and the one before, in either order: a failover is told by the last of one and the first of the
 * other. */
struct havip_sightings {
	struct havip_tenure one;
	struct havip_tenure other;
};

/* Time stamps that a CPU may still take in this tick. */
struct havip_stamps {
	__u32 tick;
	__u32 left;
};

/* Delivered to the holder, and nothing else. One cache line. */
struct havip_traffic {
	__u64 packets; /* wire segments: a GSO skb counts its segments */
	__u64 bytes;   /* whole frames, Ethernet header included */
	__u64 saved;   /* packets whose sender believed in another MAC than the holder's */
	__u64 unheld;  /* frames that came while nobody held it */
	__u64 from_holder; /* packets that left as its EIP, sent by its holder */
	__u64 from_others; /* ... by anybody else: LVS real servers do so lawfully */
	__u64 stamped; /* sightings.h: when, and of whose packets, the last time stamp was taken */
	__u64 reserved;
};

/* Every way out of the programs. The first word is what became of the frame: pass (untouched), rewrite (the
 * holder's MAC, then on to the bridge), redirect, drop. Appended to, never renumbered. */
enum havip_reason {
	HAVIP_PASS_NOT_IP = 0,		      /* neither IPv4, IPv6 nor ARP: normal */
	HAVIP_PASS_NOT_HAVIP = 1,	      /* to or about an address that is no HAVIP of this subnet: normal */
	HAVIP_PASS_OTHER_DOMAIN = 2,	      /* under VLAN tags of no configured subnet: normal on a trunk */
	HAVIP_PASS_TRUNCATED = 3,	      /* ends before its headers do: a broken sender */
	HAVIP_PASS_GROUP_MAC = 4,	      /* to a HAVIP, but to a group of stations: not ours to unicast */
	HAVIP_PASS_FROM_HOLDER = 5,	      /* the holder hands it on by MAC: LVS direct routing, normal */
	HAVIP_PASS_SAME_PORT = 6,	      /* the holder is behind the port it came in by */
	HAVIP_PASS_UPLINK = 7,		      /* from an uplink to a holder behind an uplink: the wire delivers it */
	HAVIP_PASS_UNHELD = 8,		      /* nobody holds it */
	HAVIP_PASS_PORT_GONE = 9,	      /* the holder's port has just left; the release is on its way */
	HAVIP_PASS_ANNOUNCEMENT = 10,	      /* a claim or a refresh: it travels on to every guest */
	HAVIP_PASS_EVIDENCE = 11,	      /* a use of the address that binds nothing */
	HAVIP_PASS_INTENT = 12,		      /* a probe for it */
	HAVIP_PASS_REFUSED_NOT_MEMBER = 13,   /* guard: monitor */
	HAVIP_PASS_REFUSED_MALFORMED = 14,    /* guard: monitor */
	HAVIP_PASS_REFUSED_SPOOF = 15,	      /* guard: monitor */
	HAVIP_PASS_NOT_WRITABLE = 16,	      /* the kernel would not let us write the MAC (no memory) */
	HAVIP_REWRITE_LEARN = 17,	      /* takes the bridge, so that the bridge keeps the sender's entry: normal */
	HAVIP_REWRITE_TOO_LONG = 18,	      /* longer than the holder's MTU: the bridge decides */
	HAVIP_REWRITE_NO_REDIRECT = 19,	      /* the holder's port takes no redirected frames: slower, not lost */
	HAVIP_REWRITE_HOST = 20,	      /* the host itself holds it */
	HAVIP_REDIRECT_HOLDER = 21,	      /* the fast path */
	HAVIP_DROP_UNHELD = 22,		      /* nobody holds it, and `unheld: drop` */
	HAVIP_DROP_REFUSED_NOT_MEMBER = 23,   /* guard: enforce */
	HAVIP_DROP_REFUSED_MALFORMED = 24,    /* guard: enforce */
	HAVIP_DROP_REFUSED_SPOOF = 25,	      /* guard: enforce */
	HAVIP_PASS_NO_PORT = 26,	      /* by a port that has just left: its program goes next. Counted under slot 0 */
	HAVIP_PASS_REFUSED_HOP_LIMIT = 27,    /* guard: monitor, as are the next ones that pass */
	HAVIP_DROP_REFUSED_HOP_LIMIT = 28,    /* guard: enforce, as are the next ones that drop */
	HAVIP_PASS_REFUSED_CHECKSUM = 29,
	HAVIP_DROP_REFUSED_CHECKSUM = 30,
	HAVIP_PASS_REFUSED_OPTION = 31,
	HAVIP_DROP_REFUSED_OPTION = 32,
	HAVIP_PASS_REFUSED_CODE = 33,
	HAVIP_DROP_REFUSED_CODE = 34,
	HAVIP_PASS_REFUSED_SOLICITED = 35,
	HAVIP_DROP_REFUSED_SOLICITED = 36,
	HAVIP_PASS_REFUSED_FRAGMENT = 37,
	HAVIP_DROP_REFUSED_FRAGMENT = 38,
	HAVIP_DROP_PORT_SECURITY = 39,	      /* the source MAC is not the vNIC's own */
	HAVIP_PASS_ADVERT = 40,		      /* a VRRP advert that lists a HAVIP */
	HAVIP_PASS_REFLECTED = 41,	      /* an announcement that an uplink sent back */
	HAVIP_REDIRECT_BACK = 42,	      /* a stale sender's on the wire, sent back out with the holder's MAC */
	HAVIP_PASS_NO_WAY_BACK = 43,	      /* such a frame, but the uplink cannot send from its own hook */
	HAVIP_DROP_TTL = 44,		      /* such a frame whose TTL or hop limit is used up: hosts that disagree */
	HAVIP_REDIRECT_ANSWER = 45,	      /* a question for it, answered where it came in (`arp: proxy`) */
	HAVIP_REDIRECT_OUT = 46,	      /* from a HAVIP: out by the gateway, as its EIP */
	HAVIP_PASS_EIP_TTL = 47,	      /* to or from an EIP, TTL used up: the host is left to say so */
	HAVIP_PASS_EIP_ROUTED = 48,	      /* to an EIP: as a packet to the HAVIP to the host, which routes it: slower */
	HAVIP_DROP_EIP_UNHELD = 49,	      /* to the EIP of a HAVIP that nobody holds */
	HAVIP_DROP_EIP_MALFORMED = 50,	      /* its headers, or those that an ICMP error quotes, are cut short */
	HAVIP_DROP_EIP_MISQUOTED = 51,	      /* an ICMP error about a packet of somebody else's */
	HAVIP_DROP_EIP_NOT_HOLDER = 52,	      /* from a HAVIP, by another than its holder, and `egress: holder` */
	HAVIP_DROP_EIP_TOO_LONG = 53,	      /* longer than the MTU where it would have to go */
	HAVIP_DROP_EIP_NO_ROUTE = 54,	      /* the host has no route to there by a gateway */
	HAVIP_DROP_EIP_NO_NEIGHBOUR = 55,     /* the next hop's MAC is not known yet, and XDP cannot ask */
	HAVIP_DROP_EIP_NOT_WRITABLE = 56,     /* half translated: the kernel would not let us write (no memory) */
	HAVIP_DROP_EIP_NO_REDIRECT = 57,      /* from a HAVIP, by XDP, and the gateway takes no redirected frames */
	HAVIP_DROP_EIP_SPOOF = 58,	      /* from outside, with an address of the inside as its source */
	HAVIP_REASON_COUNT = 59,
};

/* What a run that was only a question found out; `havip trace` reads it. */
struct havip_trace {
	__u32 reason; /* enum havip_reason */
	__u32 subnet; /* 0: none of ours */
	__u32 havip;  /* its index, where `found` */
	__u32 found;
	__u8 eip[4];  /* the EIP that it goes to, or leaves as; zeros: none */
	__u32 reserved;
	struct havip_holder holder;
};

struct havip_port_counters {
	__u64 frames[HAVIP_REASON_COUNT];
	__u64 watched; /* of a port that has held a HAVIP: IP packets, whoever they are to */
	__u64 stamped; /* as in havip_traffic */
};

struct havip_claim_counters {
	__u64 claims[HAVIP_CLAIM_COUNT * HAVIP_RESULT_COUNT]; /* [kind][result] */
};

/* Non-zero is a defect or an overload: what the loader then re-reads is in `claims`. */
struct havip_losses {
	__u64 ring_full;   /* doorbells that did not ring */
	__u64 claims_full; /* claims that found no room in `claims`; the ring still carried them */
};

#endif
