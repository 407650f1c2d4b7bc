// SPDX-License-Identifier: BSD-2-Clause
// The programs and the model, frame by frame: the same verdict, the same bytes, the same binding afterwards, and after
// each sequence the same counters by reason, form and result. Seed and number are printed; HAVIP_FUZZ_CASES asks for
// more frames, HAVIP_FUZZ_SEED for the same again. What differs is shrunk and kept in test/program/fixtures.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { fromRow } from '../../src/control/bindings.js';
import { Registry } from '../../src/holders/registry.js';
import type { Binding } from '../../src/holders/rules.js';
import {
  CLAIM_RESULT,
  PORT_FLAGS,
  PORT_KIND,
  POLICY_FLAGS,
  PUBLIC_FLAGS,
  REASON,
} from '../../src/kernel/layout.gen.js';
import { CLAIM_KIND_NAMES, CLAIM_RESULT_NAMES, isRefusal } from '../../src/kernel/names.js';
import { readClaimCounters, readPortCounters } from '../../src/kernel/reader.js';
import type { EipWorld } from '../../src/model/eip.js';
import { fateOf, type World as ModelWorld } from '../../src/model/fate.js';
import { Judge } from '../../src/model/judgement.js';
import { macBytes } from './frames.js';
import { frames } from './frame-arbitraries.js';
import { HOLDER, SENDER, VRRP_MAC } from './names.js';
import { run, runsIn, world, type Entry } from './observe.js';
import {
  BRIDGE,
  CAPACITY,
  EIP,
  EIP2,
  HAVIP,
  KEYS,
  OWN_MAC,
  PORTS,
  quad,
  SUBNET,
  TAG,
  V4,
  type HavipName,
  type Held,
  type PortName,
} from './world.js';

const CASES = Number(process.env['HAVIP_FUZZ_CASES'] ?? 200_000);
const SEED = Number(process.env['HAVIP_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const FIXTURES = fileURLToPath(new URL('../../../test/program/fixtures/', import.meta.url));
const NAMES = Object.keys(HAVIP) as HavipName[];
const SERVICE_MAC = '02:00:00:00:00:5e';
const HOUR_NS = 3_600_000_000_000n;

interface Scene {
  readonly entry: Entry;
  readonly open: boolean;
  readonly members: readonly PortName[];
  readonly monitors: boolean;
  readonly dropsUnheld: boolean;
  /** `arp: proxy`; with a service MAC, or with the holder's. */
  readonly proxies: boolean;
  readonly service: boolean;
  /** `portSecurity`. */
  readonly secure: boolean;
  /** Moves in an hour; 0: any number. */
  readonly budget: number;
  /** Who holds every HAVIP. */
  readonly held: Held | null;
  /** In front of V4. Of older fixtures: none. */
  readonly eips?: readonly string[];
  readonly publicFlags?: number;
}

interface Step {
  readonly in: PortName;
  readonly frame: Buffer;
}

const places = fc.constantFrom<PortName>(
  'guest',
  'guest',
  'other',
  'uplink',
  'uplink2',
  'dumbUplink',
  'host',
  'gateway',
);
const holders = fc.constantFrom<Held | null>(
  ['other', HOLDER],
  ['guest', SENDER],
  ['uplink', SENDER],
  ['dumbUplink', HOLDER],
  ['small', HOLDER],
  ['noXdp', HOLDER],
  ['unmapped', VRRP_MAC],
  ['gone', HOLDER],
  ['host', HOLDER],
  null,
);
const scenes: fc.Arbitrary<Scene> = fc.record({
  entry: fc.constantFrom<Entry>('xdp', 'ingress', 'egress'),
  open: fc.boolean(),
  members: fc.uniqueArray(places, { minLength: 1, maxLength: 4 }),
  monitors: fc.boolean(),
  dropsUnheld: fc.boolean(),
  proxies: fc.boolean(),
  service: fc.boolean(),
  secure: fc.constantFrom(false, false, true),
  budget: fc.constantFrom(0, 0, 1, 3, 16),
  held: holders,
  eips: fc.constantFrom<readonly string[]>([], [EIP], [EIP], [EIP, EIP2]),
  publicFlags: fc.constantFrom(0, 0, PUBLIC_FLAGS.HOLDER, PUBLIC_FLAGS.AWAY),
});
const steps: fc.Arbitrary<readonly Step[]> = fc.array(fc.record({ in: places, frame: frames }), {
  maxLength: 300,
  size: 'max',
});

function arrange(scene: Scene): void {
  const { held, open, members, monitors, dropsUnheld, budget, secure, proxies, service } = scene;
  const { OPEN, REBIND_KERNEL, GUARD_MONITOR, UNHELD_DROP, ARP_PROXY } = POLICY_FLAGS;
  const flags =
    REBIND_KERNEL |
    (open ? OPEN : 0) |
    (monitors ? GUARD_MONITOR : 0) |
    (dropsUnheld ? UNHELD_DROP : 0) |
    (proxies ? ARP_PROXY : 0);
  world.arrange({
    flags,
    held: held ? Object.fromEntries(NAMES.map((name) => [name, held])) : {},
    members,
    ...(service && { serviceMac: SERVICE_MAC }),
    eips: scene.eips ?? [],
    publicFlags: scene.publicFlags ?? 0,
  });
  for (const name of NAMES) {
    const policy = world.tables.havips.get(HAVIP[name]);
    const limits = { moves: budget || 16, windowNs: budget ? HOUR_NS : 1n };
    if (policy) world.tables.havips.set(HAVIP[name], { ...policy, ...limits });
  }
  const place = { flags: secure ? PORT_FLAGS.SECURE : 0 };
  const { domains, own_macs: ownMacs } = world.tables;
  domains.set({ bridge: BRIDGE, outer: TAG.outer, inner: 0 }, { subnet: SUBNET.tagged, ...place });
  domains.set({ bridge: BRIDGE, outer: TAG.outer, inner: TAG.inner }, { subnet: SUBNET.double, ...place });
  for (let slot = 0; slot < CAPACITY.ports; slot++) ownMacs.set(slot, { mac: new Uint8Array(6), port: 0 });
}

const bindingOf = (name: HavipName): Binding => {
  const row = world.tables.bindings.get(KEYS[name]);
  if (!row) throw new Error(`no binding of ${name}`);
  return fromRow(row);
};

/** The model, with the same beginning, and what it expects to be counted. */
class Model {
  private readonly registry: Registry;
  private readonly judge: Judge;
  private readonly counted = new Map<string, number>();
  private readonly own = new Map<string, string>();
  private readonly flows = new Map<string, Buffer>();
  readonly totals = { said: 0, moved: 0, refused: 0, steered: 0 };

  constructor(private readonly scene: Scene) {
    const isUplink = (slot: number): boolean => kindOf(slot) === PORT_KIND.UPLINK;
    this.registry = new Registry({ isUplink }, (kind) => CLAIM_KIND_NAMES[kind] ?? '');
    this.judge = new Judge(this.registry, isUplink);
    const damping = { moves: scene.budget || 16, windowMs: scene.budget ? 3_600_000 : 0 };
    for (const name of NAMES) this.registry.define(HAVIP[name], damping, bindingOf(name));
  }

  /** '' where the programs do the same. */
  step({ in: place, frame }: Step): string {
    const fate = fateOf(frame, this.world(place), process.hrtime.bigint());
    world.writePort({ in: place, secure: this.scene.secure, shared: true, eips: this.eips });
    const { verdict, frame: out } = run(this.scene.entry, frame);
    this.count(`${place} ${nameIn(REASON, fate.reason)}`);
    met.add(nameIn(REASON, fate.reason));
    if (STEERED.has(fate.reason)) this.totals.steered++;
    for (const { kind, result } of fate.said) {
      this.count(`${place} ${CLAIM_KIND_NAMES[kind]} ${CLAIM_RESULT_NAMES[result]}`);
      this.totals.said++;
      if (result === CLAIM_RESULT.MOVE) this.totals.moved++;
      if (isRefusal(result)) this.totals.refused++;
    }
    if (verdict !== fate.verdict) return `${verdict}, not ${fate.verdict}`;
    if (verdict !== 'drop' && out !== fate.frame.toString('hex')) return `left as ${out}`;
    for (const { havip } of fate.said) {
      const name = NAMES.find((one) => HAVIP[one] === havip);
      if (!name) continue;
      const [theirs, ours] = [bindingOf(name), this.registry.binding(HAVIP[name])].map(textOf);
      if (theirs !== ours) return `${name}: ${theirs}, not ${ours}`;
    }
    return '';
  }

  /** '' where the programs have counted the same. */
  miscounted(): string {
    const theirs = new Map<string, number>();
    for (const [place, { slot }] of Object.entries(PORTS)) {
      readPortCounters(world.tables, slot).forEach((count, reason) => {
        if (count) theirs.set(`${place} ${nameIn(REASON, reason)}`, Number(count));
      });
      readClaimCounters(world.tables, slot).forEach((count, at) => {
        const kind = CLAIM_KIND_NAMES[Math.floor(at / CLAIM_RESULT_NAMES.length)];
        if (count)
          theirs.set(`${place} ${kind} ${CLAIM_RESULT_NAMES[at % CLAIM_RESULT_NAMES.length]}`, Number(count));
      });
    }
    const names = [...new Set([...theirs.keys(), ...this.counted.keys()])];
    return names
      .filter((name) => theirs.get(name) !== this.counted.get(name))
      .map((name) => `${name}: ${theirs.get(name) ?? 0}, not ${this.counted.get(name) ?? 0}`)
      .join('; ');
  }

  private count(name: string): void {
    this.counted.set(name, (this.counted.get(name) ?? 0) + 1);
  }

  private world(place: PortName): ModelWorld {
    const { entry, open, members, monitors, dropsUnheld, secure, proxies, service } = this.scene;
    const { slot, kind, flags } = PORTS[place];
    return {
      entry: entry === 'xdp' ? 'xdp' : 'tc',
      in: { slot, kind, flags, mac: macBytes(OWN_MAC) },
      registry: this.registry,
      judge: this.judge,
      eips: this.eips.length || place === 'gateway' ? this.eipWorld() : null,
      subnetOf: (outer, inner) => subnetOf(outer, inner),
      policyOf: (subnet, address) => {
        const name = NAMES.find((one) => KEYS[one].subnet === subnet && address.equals(KEYS[one].address));
        const serviceMac = service ? macBytes(SERVICE_MAC) : null;
        const isMember = open ? place !== 'host' : members.includes(place);
        return name ? { havip: HAVIP[name], isMember, monitors, dropsUnheld, proxies, serviceMac } : null;
      },
      targetOf: (at) => {
        const found = Object.entries(PORTS).find(([, port]) => port.slot === at);
        return found && found[0] !== 'gone'
          ? { ...found[1], mapped: found[0] !== 'unmapped', mac: macBytes(OWN_MAC) }
          : null;
      },
      stationedAt,
      isOwnGuest: (subnet, mac) => {
        const key = { subnet, mac: macBytes(mac), reserved: 0 };
        return world.tables.guests.get(key) !== undefined;
      },
      maySend: (_, mac) => !secure || this.isOwn(place, mac),
    };
  }

  private eipWorld(): EipWorld {
    const { publicFlags = 0 } = this.scene;
    const [first] = this.eips;
    const havip = quad(V4);
    return {
      answers: true,
      flows: this.flows,
      routerMac: macBytes(OWN_MAC),
      behind: (eip) =>
        this.eips.some((one) => quad(one).equals(eip)) ? { subnet: SUBNET.web, havip, network: 1 } : null,
      publicOf: (subnet, address) =>
        first !== undefined && subnet === SUBNET.web && address.equals(havip)
          ? {
              ...{ havip: HAVIP.v4, eip: quad(first), network: 1, many: this.eips.length > 1 },
              holderOnly: (publicFlags & PUBLIC_FLAGS.HOLDER) !== 0,
              away: (publicFlags & PUBLIC_FLAGS.AWAY) !== 0,
            }
          : null,
      networkOf: (subnet) => (subnet === SUBNET.web ? 1 : 0),
      isInside: (network, address) =>
        network === 1 && address.subarray(0, 3).equals(quad('10.0.1.0').subarray(0, 3)),
      // The namespace of the tests has no gateway.
      routeOf: () => null,
    };
  }

  private get eips(): readonly string[] {
    return this.scene.eips ?? [];
  }

  /** The first that a vNIC sends from is its own; VRRP's are anybody's. */
  private isOwn(place: PortName, mac: string): boolean {
    if (/^00:00:5e:00:0[12]:/.test(mac)) return true;
    const isUnicast = !(macBytes(mac).readUInt8(0) & 1) && mac !== '00:00:00:00:00:00';
    const own = this.own.get(place);
    if (own === undefined && isUnicast) this.own.set(place, mac);
    return this.own.get(place) === mac;
  }
}

const stationedAt = (subnet: number, mac: string): number | null =>
  world.tables.stationed.get({ subnet, mac: macBytes(mac), reserved: 0 })?.port ?? null;

const kindOf = (slot: number): number | undefined =>
  Object.values(PORTS).find((port) => port.slot === slot)?.kind;

function subnetOf(outer: number, inner: number): number {
  if (outer === 0) return SUBNET.web;
  if (outer !== TAG.outer) return 0;
  return { 0: SUBNET.tagged, [TAG.inner]: SUBNET.double }[inner] ?? 0;
}

const nameIn = (names: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value);

const textOf = (binding: Binding | undefined): string => {
  if (!binding) return '-';
  const { holder, former, moves, by } = binding;
  const party = (one: Binding['holder']): string => (one ? `${one.port} ${one.mac}` : '-');
  return `${party(holder)} after ${party(former)}, ${moves} moves, ${CLAIM_KIND_NAMES[by] ?? ''}`;
};

/** '' where they agree from beginning to end. */
function difference(scene: Scene, sequence: readonly Step[], totals = { ...NOTHING }): string {
  arrange(scene);
  const model = new Model(scene);
  for (const [at, step] of sequence.entries()) {
    if (!runsIn(scene.entry, step.frame)) continue;
    // At egress there is the bridge alone, and no EIP.
    if (scene.entry === 'egress' && (step.in === 'gateway' || scene.eips?.length) && step.in !== 'host')
      continue;
    const what = model.step(step);
    if (what) return `frame ${at}: ${what}`;
    totals.frames++;
  }
  for (const key of Object.keys(model.totals) as (keyof typeof model.totals)[])
    totals[key] += model.totals[key];
  return model.miscounted();
}

const STEERED: ReadonlySet<number> = new Set([
  REASON.PASS_EIP_ROUTED,
  REASON.REDIRECT_HOLDER,
  REASON.REDIRECT_BACK,
  REASON.REWRITE_HOST,
  REASON.REWRITE_TOO_LONG,
  REASON.REWRITE_NO_REDIRECT,
]);
/** Ways that were taken. */
const met = new Set<string>();
/** But for those that want a gateway, or no memory. */
const EIP_REASONS = Object.keys(REASON).filter(
  (name) => name.includes('EIP') && !/NO_NEIGHBOUR|NOT_WRITABLE|NO_REDIRECT/.test(name),
);
const NOTHING = { frames: 0, said: 0, moved: 0, refused: 0, steered: 0 };

interface Fixture {
  readonly what: string;
  readonly scene: Scene;
  readonly steps: readonly { readonly in: PortName; readonly frame: string }[];
}

function keep(scene: Scene, sequence: readonly Step[]): string {
  mkdirSync(FIXTURES, { recursive: true });
  const path = `${FIXTURES}${Date.now()}.json`;
  const fixture: Fixture = {
    what: difference(scene, sequence),
    scene,
    steps: sequence.map((step) => ({ in: step.in, frame: step.frame.toString('hex') })),
  };
  writeFileSync(path, `${JSON.stringify(fixture, null, 2)}\n`);
  return `${fixture.what}; kept as ${path}`;
}

test.serial('the programs and the model agree on every frame', (t) => {
  t.timeout(3_600_000);
  const totals = { ...NOTHING };
  const startMs = performance.now();
  const agrees = fc.property(scenes, steps, (scene, sequence) => difference(scene, sequence, totals) === '');
  for (let seed = SEED; totals.frames < CASES; seed++) {
    const { counterexample } = fc.check(agrees, { seed, numRuns: 50 });
    if (counterexample) return t.fail(`HAVIP_FUZZ_SEED=${seed}: ${keep(...counterexample)}`);
  }
  const rate = Math.round(totals.frames / ((performance.now() - startMs) / 1000));
  const { frames: all, said, moved, refused, steered } = totals;
  t.log(
    `${all} frames, HAVIP_FUZZ_SEED=${SEED}: ${said} about a HAVIP, ${moved} moves, ${refused} refused, ${steered} steered; ${rate} a second`,
  );
  t.true(said > CASES / 10 && moved > 0 && refused > 0 && steered > 0);
  const never = EIP_REASONS.filter((name) => !met.has(name));
  t.deepEqual(never, [], 'every way of a packet to or from an EIP was taken');
});

for (const file of existsSync(FIXTURES) ? readdirSync(FIXTURES) : []) {
  test.serial(`fixture ${file}`, (t) => {
    const { scene, steps: kept } = JSON.parse(readFileSync(`${FIXTURES}${file}`, 'utf8')) as Fixture;
    t.is(
      difference(
        scene,
        kept.map((step) => ({ ...step, frame: Buffer.from(step.frame, 'hex') })),
      ),
      '',
    );
  });
}
