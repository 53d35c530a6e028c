/** Names that every object has by itself, as names of all that the file, a dom0 and the command line may name. */
import { afterEach, describe, expect, test } from 'vitest';
import { loadFarm } from '../../src/config/index.ts';
import { defaultOptions, makePlan, pathsToRead } from '../../src/plan/index.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { xl } from '../../src/toolstacks/xl/index.ts';
import { decode } from '../../src/toolstacks/xl/read/decode.ts';
import { parseStored } from '../../src/toolstacks/xl/read/libxl-json.ts';
import { parseStores } from '../../src/toolstacks/xl/read/storage.ts';
import { parseVolumes } from '../../src/toolstacks/xl/read/volumes.ts';
import { memoryIo } from '../unit/config/memory-io.ts';
import { assertUntouched } from './prototype.ts';
import { answer, nonce, row } from '../unit/toolstacks/xl/answers.ts';

const names = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'valueOf',
  'isPrototypeOf',
  '__defineGetter__',
];
const allowed = names.filter((n) => !n.startsWith('_'));

afterEach(assertUntouched);

const sections = ['pools', 'servers', 'networks', 'repositories', 'templates', 'isos', 'profiles', 'vms'] as const;
const load = (value: unknown) => loadFarm(['a.yaml'], memoryIo({ 'a.yaml': JSON.stringify(value) }));
const home = { farm: 'home', servers: { a: { address: 'a.lan' } }, vms: {} };

describe.each(names)('%s', (name) => {
  const named = (body: unknown): unknown => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(body)}}`);

  test.each([...sections, 'policy', 'ssh', 'defaults', 'farm'])('as a name in %s', async (section) => {
    for (const body of [{}, null, 5, { address: 'x' }, { bridge: 'b' }, { path: '/srv/x', type: 'dir' }]) {
      const loaded = await load({ ...home, [section]: section === 'farm' ? name : named(body) });
      expect(typeof loaded.ok).toBe('boolean');
    }
  });

  test('as a key of a VM, its disks, drives, NICs and xl', async () => {
    for (const key of ['disks', 'nics', 'cdrom', 'xl', 'boot', 'display'])
      for (const body of [{}, 1, 'x', { path: '/x' }])
        expect(typeof (await load({ ...home, vms: { v: { [key]: named(body) } } })).ok).toBe('boolean');
    expect((await load({ ...home, vms: { v: named(1) } })).ok).toBe(false);
    expect((await load(named({}))).ok).toBe(false);
  });

  test.each(['profile', 'pool', 'server', 'networks', 'apart', 'after', 'formerly'])(
    'as what %s of a VM names, and nothing has that name',
    async (key) => {
      const value = ['networks', 'after'].includes(key) ? [name] : name;
      const loaded = await load({ ...home, vms: { v: { [key]: value } } });
      expect(loaded.ok).toBe(name !== '__proto__' && ['apart', 'formerly'].includes(key) && !name.startsWith('_'));
    },
  );

  test('as a device of a domain, its vdev, its MAC, its files, and what was applied to it', () => {
    const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';
    const marker = {
      farm: 'home',
      vm: name,
      uuid,
      home: 'a',
      generation: 1,
      origin: 'created',
      protect: false,
      macs: named('02:00:00:00:00:01'),
      applied: { disks: named({ path: '/d' }), nics: named({}) },
      waits: named({ domain: 'x', was: 1 }),
      by: '0',
    };
    const seen = decode(
      answer({
        list: row(name, 5, '-b----', uuid),
        xs: [
          `/local/domain/5/name = "${name}"`,
          `/local/domain/5/memory/static-max = "131072"`,
          `/local/domain/5/memory/target = "131072"`,
          `/libxl/5/type = "pvh"`,
          `/libxl/5/device/vbd/1 = ""`,
          `/libxl/5/device/vbd/1/backend = "/local/domain/0/backend/vbd/5/1"`,
          `/libxl/5/device/vbd/2/backend = "/local/domain/0/backend/qdisk/5/2"`,
          `/libxl/5/device/vif/0/backend = "/local/domain/0/backend/vif/5/0"`,
          `/libxl/5/device/vbd/1/mode = "w"`,
          `/libxl/5/device/vbd/1/type = "phy"`,
          `/libxl/5/device/vbd/2/mode = "r"`,
          `/libxl/5/device/vbd/2/type = "qdisk"`,
          `/libxl/5/device/vbd/2/params = ""`,
          `/libxl/5/device/vbd/1/dev = "${name}"`,
          `/libxl/5/device/vbd/1/params = "/d"`,
          `/libxl/5/device/vbd/2/dev = "${name}"`,
          `/libxl/5/device/vbd/2 = ""`,
          `/libxl/5/device/vbd/2/device-type = "cdrom"`,
          `/libxl/5/device/vif/0 = ""`,
          `/libxl/5/device/vif/0/mac = "${name}"`,
        ].join('\n'),
        files: [
          {
            name: `etc/xen/${name}.cfg`,
            body: `# reeve: ${JSON.stringify(marker)}\nname = "${name}"\nuuid = "${uuid}"\ndisk = [ "/d,raw,${name},rw" ]\nconstructor = "x"\n`,
          },
          {
            name: `var/lib/xen/userdata-d.5.${uuid}.libxl-json`,
            body: JSON.stringify({ c_info: { type: 'pvh', name }, b_info: {}, disks: [{ vdev: 'xvda' }], nics: [] }),
          },
          {
            name: 'etc/reeve/pool.json',
            body: JSON.stringify({ format: 1, farm: 'home', pool: name, members: [name] }),
          },
          {
            name: 'etc/reeve/repositories.json',
            body: JSON.stringify({ format: 1, farm: 'home', repositories: named({ path: '/srv', uuid: 'u' }) }),
          },
          { name: 'etc/reeve/migration_hosts', body: `${name} ssh-ed25519 AAAA\n` },
        ],
        paths: `0 there /${name}\n`,
      }),
      nonce,
      [`/${name}`, '/other'],
    );
    if (seen.is !== 'seen') throw new Error(seen.why);
    expect(seen.domains[0]).toMatchObject({
      name,
      disks: [{ vdev: name, format: 'raw' }],
      nics: [{ model: 'pv', vlan: null }],
    });
    expect(Object.entries(seen.domains[0]?.cdroms ?? {})).toEqual([[name, { path: '' }]]);
    const [record] = seen.records;
    expect(Object.keys(record?.config?.disks ?? {})).toEqual([name]);
    expect(record?.config?.extra).toEqual([{ key: 'constructor', value: 'x' }]);
    expect(Object.keys(record?.marker?.macs ?? {})).toEqual([name]);
    expect(Object.entries(seen.migration?.hosts ?? {})).toEqual([[name, 'ssh-ed25519 AAAA']]);
    expect(seen.storage.book?.value).not.toBe('odd');
    expect(seen.paths).toEqual({ [`/${name}`]: 'there', '/other': 'unknown' });
  });

  test('as a volume, a file of a store, a lease', () => {
    const lvs = JSON.stringify({
      report: [
        {
          lv: [
            {
              vg_name: 'vg0',
              lv_name: name,
              lv_size: '4096.00',
              lv_tags: `reeve.lease=home/v/${name}/a/b/3,reeve.disk=home/v/${name}/${name}`,
            },
          ],
        },
      ],
    });
    const vgs = JSON.stringify({ report: [{ vg: [{ vg_name: 'vg0', vg_size: '8.0', vg_free: '4.0', vg_tags: '' }] }] });
    const group = parseVolumes(vgs, lvs, ['/dev/vg0/'])['/dev/vg0'];
    if (group?.is !== 'there') throw new Error('it is not there');
    expect([Object.keys(group.disks), Object.keys(group.leases), group.disks['valueOf_']]).toEqual([
      [name],
      [name],
      undefined,
    ]);
    const lines = ['store /srv/', 'folder', 'used', `disk ${name}`, `owner ${name}.reeve.json/{}`, `image ${name}`];
    const told = new Map([[1, [...lines, `lease ${name}.json/{}`, 'end']]]);
    const store = parseStores(told, ['/srv/']).stores['/srv'];
    if (store?.is !== 'there') throw new Error('it is not there');
    expect([Object.keys(store.disks), Object.keys(store.images), Object.keys(store.leases)]).toEqual([
      [name],
      [name],
      [name],
    ]);
    expect(store.disks['constructor'] === undefined || name === 'constructor').toBe(true);
  });

  test('as a word of libxl’s JSON', () => {
    const stored = parseStored(
      Buffer.from(
        JSON.stringify({
          c_info: { type: name, name },
          b_info: named(1),
          disks: [{ vdev: name, format: name }],
          nics: [{ mac: name, model: name }],
        }),
      ),
    );
    expect(stored).toMatchObject({ type: null, name, settings: {} });
    expect(Object.entries(stored?.formats ?? {})).toEqual([[name, name]]);
    expect(Object.entries(stored?.cards ?? {})).toEqual([[name.toLowerCase(), name]]);
  });
});

describe.each(allowed)('%s is a name like any other', (name) => {
  test('of a server, a pool, a network, a repository and a VM: it is planned', async () => {
    const loaded = await load({
      farm: name,
      pools: {
        [name]: {
          servers: { [name]: { address: 'a.lan' } },
          networks: { [name]: { bridge: 'br0' } },
          repositories: { [name]: { type: 'dir', path: '/srv/x' } },
        },
      },
      profiles: { [name]: { memory: '64MiB' } },
      vms: { [name]: { profile: name, networks: [name], disks: { xvda: { repository: name, size: '1GiB' } } } },
    });
    if (!loaded.ok) throw new Error(loaded.diagnostics.map((d) => d.message).join('\n'));
    const { farm } = loaded;
    const asked = pathsToRead(farm).get(name) ?? [];
    const stores = asked.flatMap((p, i) =>
      p.endsWith('/')
        ? [`${i + 1} store ${p}`, `${i + 1} folder`, `${i + 1} df a 900000000 1 900000000 1% /`, `${i + 1} end`]
        : [`0 there ${p}`],
    );
    const seen = decode(answer({ paths: `${stores.join('\n')}\n` }), nonce, asked);
    const plan = makePlan(farm, new Map([[name, seen]]), defaultOptions, {
      toolstack: xl,
      version: '0',
      secrets: new Map(),
    });
    expect([plan.refused, plan.vms.map((v) => v.subject.name)]).toEqual([[], [name]]);
    expect(renderPlan(plan, { color: false, width: 100, commands: false })).toContain(`${name} on ${name}: create`);
  });
});
