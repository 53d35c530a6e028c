/** A volume group that several servers see, on the simulated farm: one writer of its metadata, volumes open where they are used, leases as tags. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
const open = async (own: Readonly<Record<string, number>> = {}): Promise<void> => {
  const server = (name: string) => ({
    name,
    memoryMiB: 4096,
    dom0MiB: 1024,
    cpus: 4,
    bridges: ['xenbr0'],
    paths: ['/srv/vmlinuz'],
    xendomains: 'XENDOMAINS_SAVE=""\nXENDOMAINS_RESTORE=false\n',
    volumeGroups: own,
  });
  rig = await openRig({
    servers: [server('dom01'), server('dom02')],
    volumeGroups: { lun0: 10 * 1024 * 1024 },
    exports: ['filer:/images'],
    speed: Infinity,
    seed: 'shared',
    trusting: true,
  });
};
beforeEach(async () => open());
afterEach(async () => rig.close());

const farm = (vms: string, more: { first?: string; group?: string } = {}): string => `farm: p
servers: { dom01: { address: dom01${more.first ?? ''} }, dom02: { address: dom02 } }
networks: { lan: { bridge: xenbr0 } }
repositories: { lun0: ${more.group ?? '{ type: lvm, shared: true }'} }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s } }
vms: ${vms}
`;
const web = (more = '', size = '8MiB'): string => `{ web: { disks: { xvda: { size: ${size} } }${more} } }`;
const lost = { first: ', state: lost' };
const planOf = async (text: string, options: Partial<PlanOptions> = {}) =>
  rig.plan((await load(text)).farm, { allow: [{ disruption: 'recreate', pattern: '*' }], ...options });
const converge = async (text: string): Promise<readonly string[]> => {
  const plan = await planOf(text);
  const { failed, skipped } = await rig.apply(plan);
  expect({ failed, skipped, refused: plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
  await rig.sim.settle();
  const again = await planOf(text);
  expect([again.operations.map((o) => o.id), again.refused]).toEqual([[], []]);
  return plan.operations.map((o) => o.id);
};
const run = async (server: string, line: string): Promise<{ rc: number; out: string; err: string }> =>
  rig.sim.hand(server, line.split(' '));
interface Row {
  readonly lv_name: string;
  readonly lv_tags: string;
}
const volumes = async (): Promise<readonly Row[]> =>
  (JSON.parse((await run('dom02', 'lvs')).out) as { report: readonly { lv: readonly Row[] }[] }).report.flatMap(
    (r) => r.lv,
  );
const tags = async (): Promise<string> => (await volumes()).map((v) => v.lv_tags).join('\n');
const openOn = (server: string): readonly string[] => rig.sim.files(server).list('/dev/lun0');
const runsOn = async (server: string): Promise<boolean> => /^web /m.test((await run(server, 'xl list')).out);
const disk = async (): Promise<string> => `/dev/lun0/${(await volumes())[0]?.lv_name}`;

describe('a shared volume group', () => {
  it('is marked once, and its volumes are made on one server after the other', async () => {
    const many = [1, 2, 3, 4, 5, 6].map(
      (n) => `w${n}: { server: dom0${(n % 2) + 1}, disks: { xvda: { size: 8MiB } } }`,
    );
    const plan = await planOf(farm(`{ ${many.join(', ')} }`));
    const { failed } = await rig.apply(plan);
    expect(failed).toEqual([]);
    const { out } = await run('dom01', 'vgs');
    expect(out.match(/reeve\.store=p\/lun0\/[0-9a-f-]{36}\/shared"/g)).toHaveLength(1);
    expect(await volumes()).toHaveLength(6);
    expect([openOn('dom01').length, openOn('dom02').length]).toEqual([3, 3]);
  });

  it('which is another one on another server is refused', async () => {
    await rig.close();
    await open({ lun1: 4 * 1024 * 1024 });
    const { operations, refused } = await planOf(
      farm('{ web: { disks: { xvda: { size: 8MiB } } } }').replaceAll('lun0', 'lun1'),
    );
    expect(operations.filter((o) => o.target.kind !== 'server')).toEqual([]);
    expect(refused[0]?.why).toMatch(/dom01 and dom02 have different volume groups of that name \(\S+ and \S+\)/);
  });

  it('that the file says is each server’s own is refused, and the other way round', async () => {
    await converge(farm(web()));
    const { refused } = await planOf(farm(web(), { group: '{ type: lvm }' }));
    expect(refused[0]?.why).toMatch(/say that it is shared, and the file says that it is each server’s own/);
  });

  it('gives up what Reeve made in it by explicit word, its mark last', async () => {
    await converge(farm(web()));
    await converge(farm('{ web: { state: absent } }'));
    const gone = { group: '{ type: lvm, shared: true, state: absent }' };
    const plan = await planOf(farm('{}', gone), { deleteData: ['lun0'] });
    expect(plan.refused).toEqual([]);
    expect(plan.operations.map((o) => o.op.verb)).toEqual([
      'delete-disk',
      'unmark-repository',
      'detach-repository',
      'detach-repository',
    ]);
    expect((await rig.apply(plan)).failed).toEqual([]);
    expect(await volumes()).toEqual([]);
    expect((await run('dom01', 'vgs')).out).not.toContain('reeve.store');
    expect((await planOf(farm('{}', gone))).operations).toEqual([]);
  });
});

describe('a VM on it', () => {
  it('that gets a disk while it runs, and loses one, has its lease on just what it has', async () => {
    await converge(farm(web(', server: dom01')));
    const more = farm(web(', server: dom01')).replace('8MiB } }', '8MiB }, xvdb: { size: 8MiB } }');
    const leased = async (): Promise<readonly string[]> =>
      (await volumes()).filter((v) => v.lv_tags.includes('reeve.lease=')).map((v) => v.lv_name.replace(/-[^-]*$/, ''));
    expect((await converge(more)).slice(-3)).toEqual(['web/define', 'web/settle', 'web/attach-disk/xvdb']);
    expect(await leased()).toEqual(['web-xvda', 'web-xvdb']);
    expect(await converge(farm(web(', server: dom01')))).toEqual(['web/define', 'web/detach-disk/xvdb', 'web/settle']);
    expect([await leased(), openOn('dom01').length]).toEqual([['web-xvda'], 1]);
  });

  it('has its volume open where it runs, with the lease as a tag, and no link that starts it at boot', async () => {
    const plan = await planOf(farm(web(', server: dom01')));
    expect(plan.warnings).toContain(
      'web does not start with its server: its disks are on a volume group that several servers see; apply starts it',
    );
    await converge(farm(web(', server: dom01')));
    expect([openOn('dom01').length, openOn('dom02').length]).toEqual([1, 0]);
    expect(await tags()).toMatch(/^reeve\.disk=p\/web\/\S+\/xvda,reeve\.lease=p\/web\/\S+\/dom01\/\S+\/\d+$/);
    expect(rig.sim.files('dom01').list('/etc/xen/auto')).toEqual([]);
    await converge(farm(web(', server: dom01, state: stopped')));
    expect(openOn('dom01')).toEqual([]);
    expect(await tags()).toMatch(/^reeve\.disk=\S+\/xvda$/);
  });

  it('starts on another server with every byte, and its volume is closed on the one before', async () => {
    await converge(farm(web(', server: dom01')));
    rig.sim.files('dom01').write(await disk(), 'mine');
    await converge(farm(web(', server: dom01, state: stopped')));
    await converge(farm(web(', server: dom02')));
    expect([openOn('dom01').length, openOn('dom02').length]).toEqual([0, 1]);
    expect(rig.sim.files('dom02').read(await disk())).toBe('mine');
    expect(await tags()).toMatch(/reeve\.lease=p\/web\/\S+\/dom02\//);
  });

  it('takes its lease along when it is migrated', async () => {
    await converge(farm(web(', server: dom01')));
    const ids = await converge(farm(web(', server: dom02')));
    expect(ids.filter((id) => id.startsWith('web/'))).toEqual([
      'web/define',
      'web/activate/dom02',
      'web/migrate/dom02',
      'web/settle',
    ]);
    expect([openOn('dom01').length, openOn('dom02').length, await runsOn('dom02')]).toEqual([0, 1, true]);
    expect(await tags()).toMatch(/^\S+,reeve\.lease=p\/web\/\S+\/dom02\/\S+\/\d+$/);
  });

  it('that a cut migration brought has its volume closed where its cfg is left', async () => {
    await converge(farm(web(', server: dom01')));
    await run('dom02', `lvchange -ay ${(await disk()).slice('/dev/'.length)}`);
    expect((await run('dom01', 'xl migrate web dom02')).rc).toBe(0);
    await rig.sim.settle();
    expect((await converge(farm(web(', server: dom02')))).filter((id) => id.includes('forget'))).toHaveLength(1);
    expect([openOn('dom01').length, openOn('dom02').length, await runsOn('dom02')]).toEqual([0, 1, true]);
  });

  it('that went down by itself has its volume closed before it starts elsewhere', async () => {
    await converge(farm(web(', server: dom01')));
    await run('dom01', 'xl destroy web');
    await rig.sim.settle();
    expect(openOn('dom01')).toHaveLength(1);
    const ids = await converge(farm(web(', server: dom02')));
    expect(ids.indexOf('web/deactivate/dom01')).toBeLessThan(ids.indexOf('web/start'));
    expect([openOn('dom01').length, openOn('dom02').length]).toEqual([0, 1]);
  });

  it('gets a disk while it runs, open where it runs, and gives it back closed', async () => {
    await converge(farm(web(', server: dom01')));
    const two = '{ web: { server: dom01, disks: { xvda: { size: 8MiB }, xvdb: { size: 8MiB } } } }';
    await converge(farm(two));
    expect(openOn('dom01')).toHaveLength(2);
    await converge(farm(web(', server: dom01')));
    expect(openOn('dom01')).toHaveLength(1);
  });

  it('is made though another server removed what a broken run left open here', async () => {
    const text = farm(web(', server: dom01'));
    await converge(farm('{}'));
    const half = /-n (\S+\.part)/.exec(
      (await planOf(text)).operations.map((o) => o.commands.join(' ').replace(/-n (\S+)/, '-n $1.part')).join(' '),
    )?.[1];
    await run('dom01', `lvcreate -y -n ${half} -L 8192k lun0`);
    await run('dom02', `lvremove -f lun0/${half}`);
    expect((await run('dom01', `lvcreate -y -n ${half} -L 8192k lun0`)).err).toMatch(/Device or resource busy/);
    await converge(text);
  });

  it('grows where it runs, and where it does not', async () => {
    await converge(farm(web(', server: dom01')));
    await converge(farm(web(', server: dom01', '12MiB')));
    await converge(farm(web(', server: dom01, state: stopped', '12MiB')));
    await converge(farm(web(', server: dom02, state: stopped', '12MiB')));
    await converge(farm(web(', server: dom02, state: stopped', '16MiB')));
    expect((await run('dom02', 'lvs')).out).toContain('"lv_size":"16384.00"');
    expect(await volumes()).toHaveLength(1);
  });

  it('goes, with its lease where it went down by itself', async () => {
    await converge(farm(web(', server: dom01, on: { poweroff: destroy }')));
    rig.sim.guest('dom01', 'web').powerOff();
    await rig.sim.settle();
    expect(await tags()).toMatch(/reeve\.lease=/);
    await converge(farm(web(', server: dom01, state: absent')));
    expect(await tags()).toMatch(/^reeve\.disk=\S+$/);
    expect(openOn('dom01')).toEqual([]);
  });

  it('is not started with a lease that another server holds, or that came between plan and apply', async () => {
    await converge(farm(web(', server: dom01, state: stopped')));
    const plan = await planOf(farm(web(', server: dom01')));
    const [, uuid = ''] = /uuid = "([^"]+)"/.exec(rig.sim.files('dom01').read('/etc/xen/web.cfg') ?? '') ?? [];
    const volume = (await disk()).slice('/dev/'.length);
    await run('dom02', `lvchange --addtag reeve.lease=p/web/${uuid}/dom09/b/7 ${volume}`);
    expect((await rig.apply(plan)).failed[0]?.why).toMatch(/somebody changed its lease since it was read/);
    const seen = await planOf(farm(web(', server: dom01')));
    expect(seen.refused[0]?.why).toBe('its lease says that it runs on dom09, which could not be read');
    expect(await runsOn('dom01')).toBe(false);
    // By hand neither: it is not open there.
    expect(await run('dom01', 'xl create /etc/xen/web.cfg')).toMatchObject({ rc: 3 });
  });
});

describe('a run that breaks off', () => {
  const steps = Array.from({ length: 14 }, (_, n) => n + 1);
  it.each(steps)('after %i events leaves what the next one brings to its goal', async (n) => {
    const text = farm(web(', server: dom01'));
    await rig.apply(await planOf(text), n);
    await rig.sim.settle();
    await converge(text);
    rig.sim.files('dom01').write(await disk(), 'mine');
    const grown = farm(web(', server: dom01', '12MiB'));
    await rig.apply(await planOf(grown), n);
    await rig.sim.settle();
    await converge(grown);
    expect([await runsOn('dom01'), (await volumes()).length]).toEqual([true, 1]);
  });

  const all = Array.from({ length: 40 }, (_, n) => n + 1);
  it.each(all)(
    'in a migration after %i events leaves one VM with one lease, and its volume opens wherever it goes',
    async (n) => {
      await converge(farm(web(', server: dom01')));
      const moved = farm(web(', server: dom02'));
      await rig.apply(await planOf(moved), n);
      await rig.sim.settle();
      // A half that it left needs no more than the next run.
      await rig.apply(await planOf(moved));
      await converge(moved);
      expect([await runsOn('dom01'), await runsOn('dom02'), (await volumes()).length]).toEqual([false, true, 1]);
      expect(await tags()).toMatch(/^\S+,reeve\.lease=p\/web\/\S+\/dom02\/\S+\/\d+$/);
      // Where it was left open it is opened anew, with what it has grown by.
      await converge(farm(web(', server: dom02', '12MiB')));
      await converge(farm(web(', server: dom01', '12MiB')));
      expect([await runsOn('dom01'), openOn('dom01').length, openOn('dom02').length]).toEqual([true, 1, 0]);
    },
  );
});

describe('a disk that is to lie on it', () => {
  it('is copied there while its VM is down, and back', async () => {
    const at = (repository: string): string =>
      farm(`{ web: { server: dom01, disks: { xvda: { repository: ${repository}, size: 8MiB } } } }`).replace(
        'lun0: {',
        'own: { type: dir, path: /srv/own }, lun0: {',
      );
    const allow = { allow: [{ disruption: 'restart' as const, pattern: 'web' }] };
    await converge(at('own'));
    const own = (): string =>
      rig.sim
        .files('dom01')
        .list('/srv/own/disks')
        .find((n) => n.endsWith('.raw')) ?? '';
    rig.sim.files('dom01').write(`/srv/own/disks/${own()}`, 'mine');
    expect((await rig.apply(await planOf(at('lun0'), allow))).failed).toEqual([]);
    await converge(at('lun0'));
    expect([rig.sim.files('dom01').read(await disk()), own()]).toEqual(['mine', '']);
    expect(await tags()).toMatch(/reeve\.lease=/);
    expect((await rig.apply(await planOf(at('own'), allow))).failed).toEqual([]);
    await converge(at('own'));
    expect([rig.sim.files('dom01').read(`/srv/own/disks/${own()}`), await volumes()]).toEqual(['mine', []]);
  });
});

describe('a VM with disks in two stores', () => {
  /** `nfs`: its repository's name; the first by name has the lease. */
  const two = (nfs: string, server: string, disks: string, first = ''): string =>
    farm(`{ web: { ${server}disks: ${disks} } }`, { first }).replace(
      'lun0: {',
      `${nfs}: { type: nfs, source: 'filer:/images', path: /srv/${nfs} }, lun0: {`,
    );
  const both = (nfs: string): string =>
    `{ xvda: { repository: ${nfs}, size: 8MiB }, xvdb: { repository: lun0, size: 8MiB } }`;
  const files = () => rig.sim.export('filer:/images').files;

  it('whose lease is a file has its volume open where it runs', async () => {
    await converge(two('images', 'server: dom01, ', both('images')));
    expect([openOn('dom01').length, openOn('dom02').length]).toEqual([1, 0]);
    await converge(two('images', 'server: dom02, ', both('images')));
    expect([openOn('dom01').length, openOn('dom02').length, await runsOn('dom02')]).toEqual([0, 1, true]);
    await converge(two('images', 'server: dom02, state: stopped, ', both('images')));
    expect([openOn('dom01').length, openOn('dom02').length]).toEqual([0, 0]);
  });

  it('begins elsewhere with all of them when its server is lost', async () => {
    await converge(two('vmstore', 'server: dom01, ', both('vmstore')));
    const file = files()
      .list('/disks')
      .find((n) => n.endsWith('.raw'));
    const volume = await disk();
    files().write(`/disks/${file}`, 'mine');
    await rig.sim.faults('dom01').refuse(true);
    await converge(two('vmstore', '', both('vmstore'), ', state: lost'));
    expect(await runsOn('dom02')).toBe(true);
    expect([await disk(), files().read(`/disks/${file}`)]).toEqual([volume, 'mine']);
    expect([
      (await volumes()).length,
      files()
        .list('/disks')
        .filter((n) => n.endsWith('.raw')).length,
    ]).toEqual([1, 1]);
  });

  it('leaves no lease behind in the one that it left', async () => {
    const within = (repository: string): string => `{ xvda: { repository: ${repository}, size: 8MiB } }`;
    const allow = { allow: [{ disruption: 'restart' as const, pattern: 'web' }] };
    await converge(two('images', 'server: dom01, ', within('images')));
    expect(files().list('/leases')).toHaveLength(1);
    const moved = two('images', 'server: dom01, ', within('lun0'));
    expect((await rig.apply(await planOf(moved, allow))).failed).toEqual([]);
    await converge(moved);
    expect(files().list('/leases')).toEqual([]);
    expect(await tags()).toMatch(/reeve\.lease=p\/web\/\S+\/dom01\//);
  });
});

describe('a server that dies', () => {
  it('takes its VMs along until it is said to be lost; they start elsewhere from their own disks, and not again when it returns', async () => {
    await converge(farm(web(', server: dom01')));
    rig.sim.files('dom01').write(await disk(), 'mine');
    await rig.sim.faults('dom01').refuse(true);
    expect((await planOf(farm(web()))).refused[0]?.why).toMatch(/seen nowhere, but dom01 could not be read/);
    await converge(farm(web(), lost));
    expect([await runsOn('dom02'), (await volumes()).length]).toEqual([true, 1]);
    expect(await tags()).toMatch(/reeve\.lease=p\/web\/\S+\/dom02\//);
    rig.sim.reboot('dom01');
    await rig.sim.faults('dom01').clear();
    expect([openOn('dom01'), rig.sim.files('dom01').list('/etc/xen/auto')]).toEqual([[], []]);
    expect(await run('dom01', 'xl create /etc/xen/web.cfg')).toMatchObject({ rc: 3 });
    await converge(farm(web()));
    expect([await runsOn('dom01'), await runsOn('dom02')]).toEqual([false, true]);
  });

  it('and comes up again has its VM started by the next run', async () => {
    await converge(farm(web(', server: dom01')));
    rig.sim.files('dom01').write(await disk(), 'mine');
    rig.sim.reboot('dom01');
    expect(openOn('dom01')).toEqual([]);
    await converge(farm(web(', server: dom01')));
    expect([await runsOn('dom01'), rig.sim.files('dom01').read(await disk())]).toEqual([true, 'mine']);
  });
});
