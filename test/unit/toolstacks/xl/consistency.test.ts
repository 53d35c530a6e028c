/** A good answer with one section or one row lost or damaged: it is read as the same server, or not at all. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnknown } from '../../../../src/core/port.ts';
import { decode } from '../../../../src/toolstacks/xl/read/decode.ts';
import { parseFrames } from '../../../../src/toolstacks/xl/read/frames.ts';
import { xl } from '../../../../src/toolstacks/xl/index.ts';
import { load } from '../../config/load.ts';
import { openRig, type Rig } from '../../../contract/rig.ts';

interface Good {
  readonly bytes: Uint8Array;
  readonly nonce: string;
  readonly paths: readonly string[];
}

/** What planning counts on: who is there, with what, and what is attached. */
const told = ({ bytes, nonce, paths }: Good): unknown => {
  const s = decode(bytes, nonce, paths, 'all');
  if (isUnknown(s)) return s.reason;
  return JSON.parse(
    JSON.stringify({
      boot: s.bootId,
      cpus: s.cpus,
      memory: [s.memory.total, s.memory.free],
      bridges: s.bridges,
      domains: s.domains.map((d) => [
        [d.domid, d.uuid, d.name, d.type, d.state, d.vcpus, d.memory.target, d.memory.max, d.boot],
        d.disks.map((k) => [k.vdev, k.path, k.access, k.format, k.backend]),
        d.nics.map((n) => [n.mac, n.bridge]),
        [d.settings['sched.weight'], d.settings['affinity.hard']],
      ]),
      records: s.records.map((r) => [r.path, r.digest, r.autostart]),
      mounts: s.storage.mounts.map((m) => m.path).filter((p) => (p === '/' && paths[0]) || paths.includes(`${p}/`)),
      stores: Object.entries(s.storage.stores).map(([path, store]) => [path, store.is]),
    }),
  );
};

const wrap = (nonce: string, parts: ReadonlyMap<string, { rc: number; bytes: Uint8Array }>): Uint8Array =>
  Buffer.concat([
    ...[...parts].flatMap(([name, { rc, bytes }]) => [
      Buffer.from(`\n@${nonce} ${name}\n`),
      bytes,
      Buffer.from(`\n@${nonce} /${name} ${rc}\n`),
    ]),
    Buffer.from(`\n@${nonce} END\n`),
  ]);

/** Of tables: those whose rows tell who is there. What only adds to a domain (a guest's own words, a process) is not among them. */
const rowsOf = new Set(['xl-list', 'xl-vcpus', 'xl-sched', 'host', 'mounts']);
/** Of xenstore: what a domain has of libxl. */
const counts =
  /^\/(?:local\/domain\/[1-9]\d*\/(?:name|vm|memory\/(?:target|static-max)|cpu\/\d+(?:\/availability)?)|libxl\/\d+\/(?:type|device\/(?:vbd|vif)\/\d+(?:\/(?:dev|params|mode|type|mac|backend))?)) = /;

function* broken(good: Good): Generator<readonly [what: string, Uint8Array]> {
  const parts = parseFrames(good.bytes, good.nonce);
  if ('is' in parts) throw new Error('the answer is not whole');
  for (const [name, part] of parts) {
    if (part.bytes.length === 0 || ['ovs', 'xl-credit', 'qemu'].includes(name)) continue;
    yield [`${name} lost`, wrap(good.nonce, new Map([...parts].filter(([n]) => n !== name)))];
    const withBytes = (bytes: Uint8Array): Uint8Array =>
      wrap(good.nonce, new Map([...parts, [name, { ...part, bytes }]]));
    if (!['ps', 'vgs', 'lvs', 'paths'].includes(name)) yield [`${name} empty`, withBytes(new Uint8Array())];
    if (name === 'files') {
      for (const share of [0.2, 0.5, 0.9])
        yield [`files cut at ${share}`, withBytes(part.bytes.subarray(0, Math.floor(part.bytes.length * share)))];
      continue;
    }
    const lines = Buffer.from(part.bytes).toString('latin1').split('\n');
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '' || !(rowsOf.has(name) || (name === 'xs' && counts.test(line)))) continue;
      const without = lines.toSpliced(i, 1).join('\n');
      yield [`${name} without ${line}`, withBytes(Buffer.from(without, 'latin1'))];
      const damaged = lines.with(i, '#'.repeat(line.length)).join('\n');
      yield [`${name} with a damaged ${line}`, withBytes(Buffer.from(damaged, 'latin1'))];
    }
  }
}

const other = (good: Good): readonly string[] => {
  const same = JSON.stringify(told(good));
  return [...broken(good)].flatMap(([what, bytes]) => {
    const now = told({ ...good, bytes });
    return typeof now === 'string' || JSON.stringify(now) === same ? [] : [what];
  });
};

const sample = new URL('../../../../../shared/samples/xen-4.20-observed/reeve-observe.out', import.meta.url).pathname;

it.skipIf(!existsSync(sample))('a real answer of Xen 4.20 (skipped where ../shared/samples is missing)', () => {
  const good = { bytes: readFileSync(sample), nonce: 'N0NCE', paths: [] };
  expect(told(good)).toMatchObject({
    domains: [8, 9, 10].map((d) => expect.arrayContaining([expect.arrayContaining([d])]) as unknown[]),
  });
  expect(other(good)).toEqual([]);
});

describe('an answer of the simulated dom0', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({
      servers: [
        {
          name: 'dom01',
          memoryMiB: 4096,
          dom0MiB: 1024,
          cpus: 4,
          bridges: ['xenbr0'],
          xendomains: '',
          paths: ['/srv/vmlinuz', '/dev/vg0/a', '/dev/vg0/b'],
        },
      ],
      exports: ['filer:/vmstore'],
      speed: Infinity,
      seed: 'consistency',
    });
    const { farm } = await load(`farm: p
servers: { dom01: { address: a } }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "filer:/vmstore", path: /srv/vmstore } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
vms: { a: { vcpus: { count: 1, max: 2 }, disks: { xvda: { path: /dev/vg0/a } } }, b: { disks: { xvda: { path: /dev/vg0/b } } } }
`);
    await rig.apply(await rig.plan(farm));
    await rig.sim.settle();
  });
  afterAll(() => rig.close());

  it('is never a smaller or another server', async () => {
    const paths = ['/srv/vmlinuz', '/srv/vmstore/'];
    const reader = rig.reader();
    const raw = await reader.read('dom01', xl.rawReading('all', paths));
    await reader.close();
    if (isUnknown(raw)) throw new Error(raw.why);
    const good = { ...raw, paths };
    expect(told(good)).toMatchObject({
      mounts: ['/', '/srv/vmstore'],
      domains: [expect.anything(), expect.anything()],
    });
    expect(other(good)).toEqual([]);
  });
});
