/** What reads text from outside, each with good samples of it and the words of its language. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as fc from 'fast-check';
import { loadFarm } from '../../../src/config/index.ts';
import { parseKnownHosts } from '../../../src/core/known-hosts.ts';
import { isUnknown } from '../../../src/core/port.ts';
import { newFound, parseSshConfig, SshConfigProblem, take as takeLine } from '../../../src/core/ssh-config.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';
import { parsePlan, planJson } from '../../../src/report/plan-json.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { clean } from '../../../src/report/text.ts';
import { readMarker } from '../../../src/toolstacks/xl/cfg/marker.ts';
import { effective, parseCfg } from '../../../src/toolstacks/xl/cfg/grammar.ts';
import { Odd } from '../../../src/toolstacks/xl/cfg/values.ts';
import { vmOfCfg } from '../../../src/toolstacks/xl/cfg/vm.ts';
import { decode } from '../../../src/toolstacks/xl/read/decode.ts';
import { disksOf, nicsOf } from '../../../src/toolstacks/xl/read/devices.ts';
import { parseLinks } from '../../../src/toolstacks/xl/read/ip-link.ts';
import { parseStored } from '../../../src/toolstacks/xl/read/libxl-json.ts';
import { parseVolumes } from '../../../src/toolstacks/xl/read/volumes.ts';
import { parseXenstore } from '../../../src/toolstacks/xl/read/xenstore.ts';
import { xl } from '../../../src/toolstacks/xl/index.ts';
import { openReplay, parseSnapshot, snapshotFormat, snapshotJson } from '../../../src/transport/index.ts';
import { memoryIo } from '../../unit/config/memory-io.ts';
import { drifted, usual, waiting } from '../../unit/report/plans.ts';
import { answer, nonce, row } from '../../unit/toolstacks/xl/answers.ts';
import { mutated, mutatedJson } from './mutate.ts';
import type { Target } from './run.ts';

const root = resolve(import.meta.dirname, '../../..');
const recorded = (name: string): string =>
  readFileSync(join(root, 'test/unit/toolstacks/xl/recorded/hvm', name), 'latin1');
/** Real files; none where the folder is not on this machine. */
const corpus = join(root, '../shared/corpus/xlcfg/files');
const cfgs = existsSync(corpus)
  ? readdirSync(corpus, { recursive: true, withFileTypes: true })
      .filter((f) => f.isFile())
      .map((f) => readFileSync(join(f.parentPath, f.name), 'latin1'))
      .filter((text) => text.length < 20_000)
  : [];

const look = { color: false, width: 100, commands: true };
const json = fc.json({ maxDepth: 6 });
/** Words in any order. */
const soup = (words: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...words) },
        { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
      ),
      { maxLength: 40 },
    )
    .map((all) => all.join(''));

/** An `Odd` is how a decoder says no. */
const told = (read: () => unknown): string | null => {
  try {
    return read() === null ? 'it cannot be read' : null;
  } catch (e) {
    if (e instanceof Odd) return clean(e.why);
    if (e instanceof SshConfigProblem) return clean(e.why);
    throw e;
  }
};

const yamls = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((f) => /\.ya?ml$/.test(f))
  .map((f) => readFileSync(join(root, 'examples', f), 'utf8'));
const yamlWords = [
  'farm: ',
  'vms:\n',
  '  ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ': ',
  '&a ',
  '*a',
  '|\n',
  '>',
  '!x ',
  '---\n',
  '"',
  "'",
  '#',
  '\n',
  '<<: ',
  'disks',
  'memory: 1GiB',
  '\t',
];

const config: Target = {
  name: 'YAML config',
  samples: yamls,
  mutate: (samples, r) => mutated(samples, yamlWords, r),
  fresh: fc.oneof(soup(yamlWords), json),
  take: async (input) => {
    const loaded = await loadFarm(['farm.yaml'], memoryIo({ 'farm.yaml': input }));
    return loaded.ok ? null : renderDiagnostics(loaded.diagnostics, { color: false });
  },
};

const cfgWords = [
  'name = ',
  'disk = [ ',
  'vif = [ ',
  '"phy:/dev/vg0/a,xvda,w"',
  "'mac=00:16:3e:00:00:01,bridge=br0'",
  ' += ',
  ' ]',
  ', ',
  ';',
  '\n',
  '#',
  'builder="hvm"',
  'memory = 64',
  '\\x41',
  '\\101',
  'rate=10Mb/s',
  'target=',
];
const marker = JSON.stringify({
  farm: 'f',
  vm: 'v',
  uuid: '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001',
  home: 'a',
  generation: 1,
  origin: 'created',
  protect: false,
  macs: { eth0: '00:16:3e:00:00:01' },
  applied: { 'vcpus.count': 1, disks: { xvda: { path: '/d' } }, nics: { eth0: { network: 'lan', bridge: 'br0' } } },
  waits: { 'xl.cpuid': { domain: 'b/1', was: 'x' } },
  by: '0',
});
const ownCfg = `# reeve: ${marker}\n${recorded('cfg')}`;

const xlCfg: Target = {
  name: 'xl.cfg',
  samples: [recorded('cfg'), ownCfg, ...cfgs],
  mutate: (samples, r) => mutated(samples, cfgWords, r),
  fresh: soup(cfgWords),
  take: (input) => {
    readMarker(input, '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001');
    const parsed = parseCfg(input);
    if (!parsed.ok) return clean(parsed.error.message);
    const vm = vmOfCfg(effective(parsed.entries));
    return vm.ok ? null : clean(vm.why);
  },
};

const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';
const recordedUuid = /hvm1 .* ([0-9a-f-]{36}) /.exec(recorded('xl-list'))?.[1] ?? '';
const storedJson = recorded('libxl-json').replaceAll('\0', '');
const vgs = JSON.stringify({
  report: [
    {
      vg: [
        {
          vg_name: 'vg0',
          vg_uuid: 'u',
          vg_size: '8192.00',
          vg_free: '4096.00',
          vg_tags: 'reeve.store=f/san/u/shared',
          vg_lock_type: '',
        },
      ],
    },
  ],
});
const lvs = JSON.stringify({
  report: [
    {
      lv: [
        {
          vg_name: 'vg0',
          lv_name: 'web',
          lv_size: '4096.00',
          lv_tags: `reeve.disk=f/web/${uuid}/xvda,reeve.lease=f/web/${uuid}/a/b/3`,
        },
        { vg_name: 'vg0', lv_name: 'home', lv_size: '1.00', lv_tags: '' },
      ],
    },
  ],
});
const asked = ['/srv/s/', '/k', 'text:/etc/hosts', '/dev/vg0/'];
const paths = `1 store /srv/s/\n1 folder\n1 marker {"format":1,"farm":"f","repository":"s","uuid":"u"}\n1 used\n1 df a 9 1 8 1% /\n1 disk a.raw\n1 owner a.raw.reeve.json/{"format":1,"farm":"f","vm":"v","uuid":"u","vdev":"xvda","size":1,"as":"raw"}\n1 lease ${uuid}.json/{"format":1,"farm":"f","vm":"v","uuid":"${uuid}","server":"a","boot":"b","generation":1,"disks":{"xvda":"/d"}}\n1 end\n0 there /k\n`;
/** A real dom0's with one HVM guest, and what the project's own files add. */
const whole = Buffer.from(
  answer({
    list: row('hvm1', 2, '-b----', recordedUuid, 184),
    xs: recorded('xs'),
    files: [
      { name: 'etc/xen/hvm1.cfg', body: recorded('cfg') },
      { name: 'etc/xen/own.cfg', body: ownCfg },
      { name: 'etc/xen/auto/own', link: '../own.cfg' },
      { name: `var/lib/xen/userdata-d.2.${recordedUuid}.libxl-json`, body: recorded('libxl-json') },
      { name: 'etc/reeve/pool.json', body: '{"format":1,"farm":"f","pool":"p","members":["a"]}' },
      {
        name: 'etc/reeve/roll.json',
        body: '{"format":2,"roll":"2026","by":"ann@desk","run":null,"reboot":true,"home":true,"servers":["dom01"],"stage":"treating","boot":null,"homes":["web"]}',
      },
      {
        name: 'etc/reeve/repositories.json',
        body: '{"format":1,"farm":"f","repositories":{"s":{"path":"/srv/s","uuid":"u"}}}',
      },
      { name: 'etc/fstab', body: 'a /srv/s nfs vers=4 0 0\n' },
    ],
    link: recorded('link'),
    vcpus: recorded('xl-vcpus'),
    sched: recorded('xl-sched'),
    ps: recorded('ps'),
    paths,
    vgs,
    lvs,
  }),
).toString('latin1');
const frameWords = [
  `\n@${nonce} link\n`,
  `\n@${nonce} /link 0\n`,
  `\n@${nonce} END\n`,
  `\n@${nonce} /xs 137\n`,
  '\n@',
  ' 0\n',
  'Domain-0',
  '-b----',
  'ustar',
];

const framed: Target = {
  name: 'framed answer',
  samples: [whole],
  mutate: (samples, r) => mutated(samples, frameWords, r),
  fresh: soup(frameWords),
  take: (input) => {
    const seen = decode(Buffer.from(input, 'latin1'), nonce, asked);
    return isUnknown(seen) ? clean(`${seen.why} ${seen.help ?? ''}`) : null;
  },
};

const libxl: Target = {
  name: 'libxl JSON',
  samples: [storedJson],
  mutate: (samples, r) => mutatedJson(samples, ['vdev', 'mac', 'c_info', 'b_info', 'True', 'disks'], r),
  fresh: json,
  take: (input) => told(() => parseStored(Buffer.from(`${input}\0`))),
};

const xsWords = [
  '/libxl/5/device/vbd/51712/dev = "xvda"\n',
  '/local/domain/5/name = "',
  '" \n',
  ' = "',
  '\\x00',
  '\\377',
  '/libxl/5/device/vif/0/mac = "',
  '/backend',
  '\n',
];

const xenstore: Target = {
  name: 'xenstore',
  samples: [recorded('xs')],
  mutate: (samples, r) => mutated(samples, xsWords, r),
  fresh: soup(xsWords),
  take: (input) => {
    const xs = parseXenstore(input);
    for (const domid of xs.list('/libxl')) {
      disksOf(xs, Number(domid), null);
      nicsOf(xs, Number(domid), null, null);
    }
    return null;
  },
};

const links = JSON.stringify([
  { ifname: 'lo' },
  {},
  { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
  { ifname: 'vif5.0', master: 'br0' },
]);

const lvm: Target = {
  name: 'LVM and ip JSON',
  samples: [vgs, lvs, links],
  mutate: (samples, r) => mutatedJson(samples, ['vg', 'lv', 'vg_name', 'lv_tags', 'reeve.lease=', 'master'], r),
  fresh: json,
  take: (input) =>
    told(() => parseVolumes(input, lvs, ['/dev/vg0/'])) ??
    told(() => parseVolumes(vgs, input, ['/dev/vg0/'])) ??
    told(() => parseLinks(input)),
};

const planSchema = JSON.parse(readFileSync(join(root, 'schemas/plan.schema.json'), 'utf8')) as object;

const plan: Target = {
  name: 'plan file',
  samples: [usual, drifted, waiting].map(planJson),
  mutate: (samples, r) => mutatedJson(samples, ['operations', 'op', 'verb', 'path', 'reeve-plan/1'], r),
  fresh: json,
  take: (input) => {
    const read = parsePlan(input, planSchema);
    if (!('format' in read)) return renderDiagnostics(read, { color: false });
    renderPlan(read, look);
    return null;
  },
};

const snapshotSample = snapshotJson({
  format: snapshotFormat,
  tool: '0',
  at: '2026-01-01T00:00:00Z',
  farm: 'f',
  servers: {
    a: { nonce, paths: asked, answer: Buffer.from(whole, 'latin1').toString('base64') },
    b: { unread: { is: 'unknown', reason: 'timeout', why: 'b does not answer' } },
  },
});

const snapshot: Target = {
  name: 'snapshot',
  samples: [snapshotSample],
  mutate: (samples, r) => mutatedJson(samples, [snapshotFormat, 'servers', 'answer', 'unread'], r),
  fresh: json,
  take: async (input) => {
    const read = parseSnapshot(input);
    if (typeof read === 'string') return clean(read);
    const replay = openReplay(read);
    const seen: unknown[] = [];
    for (const [name, server] of Object.entries(read.servers)) {
      const got = await replay.read(name, xl.reading('all', asked));
      if ('answer' in server) seen.push(got);
    }
    const unread = seen.find(isUnknown);
    return unread === undefined ? null : clean(unread.why);
  },
};

const hostWords = [
  'dom1',
  ',',
  '*',
  '?',
  '!',
  '|1|c2FsdA==|aGFzaA==',
  ' ssh-ed25519 ',
  'AAAA',
  '@revoked ',
  '@cert-authority ',
  '[dom1]:22',
  '\n',
  '#',
  ' ',
];

const knownHosts: Target = {
  name: 'known_hosts',
  samples: [
    'dom1,10.0.0.1 ssh-ed25519 AAAA\n@revoked * ssh-rsa BBBB\n|1|c2FsdA==|aGFzaA== ssh-ed25519 CC\n',
    '*.lan,!x.lan ssh-ed25519 AAAA\n[dom1]:2222 ssh-rsa A\n',
  ],
  mutate: (samples, r) => mutated(samples, hostWords, r),
  fresh: soup(hostWords),
  take: (input) => {
    parseKnownHosts(input, 'known_hosts', 'dom1.with.a.long.name.in.a.farm.lan');
    return null;
  },
};

const sshWords = [
  'Host ',
  'Match ',
  'host ',
  'all',
  '*',
  '!',
  'Port 22',
  'Port ',
  'Include ',
  'IdentityFile ~/k',
  'ProxyJump a,b',
  'User "a b"',
  '=',
  '"',
  '\n',
  '#',
  '  ',
];

const sshConfig: Target = {
  name: 'ssh config',
  samples: [
    'Host a b*\n  HostName %h.lan\n  Port 22\n  IdentityFile "~/.ssh/a key"\nMatch user root host *.lan,!x\n  ProxyJump b\nHost *\n  User=root\n  ProxyCommand nc %h %p\n',
  ],
  mutate: (samples, r) => mutated(samples, sshWords, r),
  fresh: soup(sshWords),
  take: (input) =>
    told(() => {
      const found = newFound();
      for (const line of parseSshConfig(input, '~/.ssh/config'))
        takeLine(line, found, { host: 'a.long.name.of.a.host.lan', localUser: 'ann' });
      return found;
    }),
};

export const targets: readonly Target[] = [
  config,
  xlCfg,
  framed,
  libxl,
  xenstore,
  lvm,
  plan,
  snapshot,
  knownHosts,
  sshConfig,
];
