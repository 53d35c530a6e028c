/** What xl itself says when it fails, run by hand: the words that Reeve passes on and the exit codes it relies on; and what Reeve makes of each. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServerSeen } from '../../src/kinds/server/live.ts';
import type { Domain } from '../../src/kinds/vm/live.ts';
import type { VmOp } from '../../src/kinds/vm/ops.ts';
import { plainDisk, plainNic, type VmConfig, type VmType } from '../../src/kinds/vm/spec.ts';
import type { ContractFarm } from './law.ts';

const other = '2f1c5c0e-7d1b-5e0a-8c55-0a1b2c3d4e60';
const name = 'law';
const ghostMac = '02:00:00:00:1a:09';

/** The suite's own guest and what can be done with it. */
export interface Stage {
  farm(): ContractFarm;
  look(): Promise<ServerSeen>;
  /** The guest, as it was last looked at. */
  domain(): Domain | null;
  /** Carries an operation out; null, or why it was not done. */
  doOne(op: VmOp): Promise<string | null>;
  define(): VmOp;
  start(more?: Partial<VmConfig>, paused?: boolean): VmOp;
  op(): Pick<VmOp, 'vm' | 'server' | 'uuid' | 'name'>;
  readonly path: string;
  readonly macs: readonly [string, string];
}

type Case = readonly [what: string, argv: () => readonly string[], rc: number, words: RegExp];

const ofAll = (s: Stage): readonly Case[] => [
  ['an unknown domain', () => ['xl', 'pause', 'nosuch'], 1, /nosuch is an invalid domain identifier \(rc=-6\)/],
  ['a second domain of one name', () => ['xl', 'create', '-q', s.path], 3, /Domain with name "law" already exists\./],
  [
    'memory above the maximum',
    () => ['xl', 'mem-set', name, '999m'],
    1,
    /memory_dynamic_max must be less than or equal to memory_static_max/,
  ],
  [
    'more vCPUs than the host',
    () => ['xl', 'vcpu-set', name, '64'],
    1,
    /You are overcommmitting! You have \d+ physical CPUs and want 64 vCPUs!/,
  ],
  [
    'a disk that is there',
    () => ['xl', 'block-attach', name, `format=raw,vdev=xvda,access=rw,target=${s.farm().disks[0]}`],
    1,
    /device already exists in xenstore/,
  ],
  [
    'a bridge that is not there',
    () => ['xl', 'network-attach', name, `mac=${ghostMac}`, 'bridge=nobr'],
    1,
    /Could not find bridge device nobr/,
  ],
  [
    'a kernel that is not there',
    () => [
      'xl',
      'create',
      '-q',
      s.path,
      'name="ghost"',
      `uuid="${other}"`,
      'kernel="/no/such/kernel"',
      'disk=[]',
      'vif=[]',
    ],
    3,
    /\/no\/such\/kernel/,
  ],
];

const said = async (s: Stage, argv: readonly string[]): Promise<{ rc: number; text: string }> => {
  const { rc, out, err } = await s.farm().hand(argv);
  return { rc, text: `${out}${err}` };
};

/** What QEMU does not survive; the guest need not run for it. */
const ofHvm = (s: Stage): void => {
  it('a drive that began empty takes nothing: Reeve does not try, and QEMU dies where a hand does', async () => {
    expect(await s.doOne(s.define())).toBeNull();
    expect(await s.doOne(s.start({}, true))).toBeNull();
    await s.look();
    expect(s.domain()).toMatchObject({ qemu: true, cdroms: { hdd: { path: '', fixed: true } } });
    const path = s.farm().isos[0];
    expect(await s.doOne({ ...s.op(), verb: 'change-cd', vdev: 'hdd', path, from: '' })).toMatch(/QEMU would die/);
    expect((await said(s, ['xl', 'cd-insert', name, 'hdd', path])).rc).toBe(1);
    await s.look();
    expect(s.domain()).toMatchObject({ qemu: false, cdroms: { hdd: { path: '' } } });
    expect((await said(s, ['xl', 'destroy', name])).rc).toBe(0);
  }, 1_200_000);
};

export const failures = (type: VmType, s: Stage): void => {
  if (type === 'hvm') ofHvm(s);
  // Once is enough, on the type that boots fastest.
  if (type !== 'pvh') return;
  describe('xl fails as it does', () => {
    beforeAll(async () => {
      expect(await s.doOne(s.define())).toBeNull();
      expect(await s.doOne(s.start())).toBeNull();
    }, 1_200_000);

    it.each(ofAll(s))(
      'on %s',
      async (_, argv, rc, words) => {
        const { rc: exit, text } = await said(s, argv());
        expect(text).toMatch(words);
        expect(exit).toBe(rc);
      },
      1_200_000,
    );

    it('and a refused attach leaves a ghost vif, which Reeve’s own attach does not', async () => {
      await s.look();
      expect(s.domain()?.nics.find((n) => n.mac === ghostMac)).toMatchObject({ devid: 1 });
      expect((await said(s, ['xl', 'network-detach', name, '1'])).rc).toBe(0);
      const device = { ...plainNic, mac: s.macs[1], bridge: 'nobr' };
      const attach: VmOp = { ...s.op(), verb: 'attach-nic', nic: 'eth1', mac: s.macs[1], bridge: 'nobr', device };
      expect(await s.doOne(attach)).toMatch(/nobr/);
      await s.look();
      expect(s.domain()?.nics.map((n) => n.mac)).toEqual([s.macs[0]]);
    }, 1_200_000);

    it('and a qcow2 disk that no QEMU serves hangs half attached, which Reeve does not try', async () => {
      const { qcow2 } = s.farm();
      const disk = { ...plainDisk, path: qcow2, format: 'qcow2' };
      expect(await s.doOne({ ...s.op(), verb: 'attach-disk', vdev: 'xvdc', disk })).toMatch(/QEMU/);
      expect((await said(s, ['xl', 'block-attach', name, `format=qcow2,vdev=xvdc,access=rw,target=${qcow2}`])).rc).toBe(
        0,
      );
      await s.look();
      expect(s.domain()?.disks.find((d) => d.vdev === 'xvdc')).toMatchObject({ backend: 'qdisk', state: 1 });
    }, 1_200_000);

    it('and a start that fails leaves no domain', async () => {
      expect((await said(s, ['xl', 'destroy', name])).rc).toBe(0);
      await s.look();
      const boot = { kernel: '/no/such/kernel', ramdisk: null, cmdline: null };
      expect(await s.doOne(s.start({ boot }))).toMatch(/\/no\/such\/kernel/);
      await s.look();
      expect(s.domain()).toBeNull();
    }, 1_200_000);
  });
};
