/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract between the BPF programs and the loader: every struct, enum and limit that crosses a map or the
 * ring. TypeScript's view of it (src/kernel/layout.gen.ts) is generated from this file's BTF and compared with it
 * by `make check`. No struct has a hole, since a hole in a hash key is a key that is never found again. */
#ifndef HAVIP_H
#define HAVIP_H

#include <linux/types.h>

/* Raised with every change of a struct or of a map below; the loader migrates pinned state of an older one. */
#define HAVIP_ABI 1

enum havip_limits {
	HAVIP_ABI_VERSION = HAVIP_ABI,
	HAVIP_NAME_BYTES = 64,	      /* a network's or subnet's name, NUL included */
	HAVIP_STATIONS = 4096,	      /* senders whose bridge entry is kept alive, by hash; a power of two */
	HAVIP_RING_BYTES = 1 << 20,   /* the doorbell; overruns are counted and reconciled */
};

/* What a port is to the data plane. */
enum havip_port_kind {
	HAVIP_VNIC = 0,	  /* host side of a guest's vNIC: tap or veth */
	HAVIP_UPLINK = 1, /* a NIC; it stands for all that is behind it */
	HAVIP_HOST = 2,	  /* the bridge device itself: what the host sends or routes */
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
	__u32 havip;		    /* index in `havips`, `states` and `havip_counters` */
	__u32 moves;		    /* changes of port, or of the MAC behind an uplink */
	__u32 by;		    /* enum havip_claim_kind of the frame that made it */
	__u32 reserved;
};

enum havip_policy_flags {
	HAVIP_OPEN = 1,		 /* every vNIC and uplink of the subnet may claim; else those in `members` */
	HAVIP_UNHELD_DROP = 2,	 /* frames to it are dropped while nobody holds it; else passed */
	HAVIP_GUARD_MONITOR = 4, /* refused claims are counted and passed; else dropped */
};

/* What the operator wants of one HAVIP; written by the loader alone. */
struct havip_policy {
	struct havip_key key;
	__u32 flags; /* enum havip_policy_flags */
};

struct havip_member {
	__u32 havip;
	__u32 port; /* slot */
};

/* What the program on a port needs to know of that port; found by ifindex at ingress. */
struct havip_port {
	__u32 slot;
	__u32 subnet;	       /* of untagged frames; 0: none */
	__u32 bridge;	       /* ifindex of the bridge: the broadcast domains are looked up by it */
	__u32 kind;	       /* enum havip_port_kind */
	__u64 learn_every_ns;  /* how often a sender's frame takes the bridge, to keep its entry there; 0: never */
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
};

/* A broadcast domain: a bridge and a tag stack. */
struct havip_domain {
	__u32 bridge; /* ifindex */
	__u16 outer;  /* VLAN ids in host order, 0: no such tag */
	__u16 inner;
};

struct havip_subnet {
	__u8 network[HAVIP_NAME_BYTES];
	__u8 name[HAVIP_NAME_BYTES];
	__u32 used; /* 0: the index is free */
};

/* What a frame says about a HAVIP (ANNOUNCEMENTS.md, "Frame by frame"). Appended to, never renumbered. */
enum havip_claim_kind {
	HAVIP_CLAIM_NONE = 0,
	HAVIP_CLAIM_ARP_REQUEST = 1,  /* sender = target: an announcement (RFC 5227 section 3) */
	HAVIP_CLAIM_ARP_REPLY = 2,    /* a reply to everyone: an announcement */
	HAVIP_CLAIM_ARP_ANSWER = 3,   /* a reply to one station */
	HAVIP_CLAIM_ARP_QUESTION = 4, /* a request that the HAVIP's user sends about another address */
	HAVIP_CLAIM_ARP_PROBE = 5,    /* sender 0.0.0.0: somebody means to take it (RFC 5227 section 2.1) */
	HAVIP_CLAIM_COUNT = 6,
};

/* What came of it. Appended to, never renumbered. */
enum havip_claim_result {
	HAVIP_RESULT_REFRESH = 0,	    /* the holder repeats itself */
	HAVIP_RESULT_CLAIM = 1,		    /* somebody takes the address: the model decides */
	HAVIP_RESULT_EVIDENCE = 2,	    /* another member uses it; binds nothing */
	HAVIP_RESULT_LIVENESS = 3,	    /* the holder uses it */
	HAVIP_RESULT_INTENT = 4,	    /* a probe */
	HAVIP_RESULT_REFUSED_NOT_MEMBER = 5, /* the port may not claim this HAVIP */
	HAVIP_RESULT_REFUSED_MALFORMED = 6,  /* not the shape of an announcement, though it names a HAVIP */
	HAVIP_RESULT_REFUSED_SPOOF = 7,	     /* the sender hardware address is not the frame's source */
	HAVIP_RESULT_COUNT = 8,
};

/* The newest claim of a port for a HAVIP, and the record that rings the doorbell. */
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

/* Per HAVIP, what only the programs write. */
struct havip_state {
	struct havip_holder newest; /* whoever announced last, bound yet or not */
};

/* A sender that has lately crossed the bridge with one of its frames. */
struct havip_station {
	struct havip_holder who;
	__u64 seen_ns;
};

/* Delivered to the holder, and nothing else. */
struct havip_traffic {
	__u64 packets; /* wire segments: a GSO skb counts its segments */
	__u64 bytes;   /* whole frames, Ethernet header included */
	__u64 saved;   /* packets whose sender believed in another MAC than the holder's */
	__u64 unheld;  /* frames that came while nobody held it */
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
	HAVIP_REASON_COUNT = 27,
};

struct havip_port_counters {
	__u64 frames[HAVIP_REASON_COUNT];
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
