/**
 * Real cfgs through all of Reeve, beside what the real xl says of them: what `npm run build` made is what runs.
 *
 *   npm run corpus -- DIR [FILE…]
 *
 * DIR holds cfgs in `files/`, and in `xl-json/NAME.json` what `xl -N create` of a real Xen printed of each that it takes. The
 * columns: the cfg is read; `import` writes a file of it that Reeve reads again; adopting it with that file gives a cfg; that
 * cfg is equal to the first, by xl's JSON; and (`alone`) one that is made from the file alone is, too, save for a UUID and MACs
 * that the first does not give. xl's JSON of a cfg of ours is made by the simulator, whose JSON of the first is compared with
 * the real one as well (`xl`): where it cannot make some keys of it (numbers of devices, CPU features), the cfg's own keys are compared.
 * Exit code 1 where one that xl takes does not come out equal.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFarm } from '../../dist/config/index.js';
import { farmText } from '../../dist/config/write/document.js';
import { imported } from '../../dist/config/write/index.js';
import { resolve } from '../../dist/kinds/vm/resolve.js';
import { readCfg } from '../../dist/sim/cfg.js';
import { domainConfig } from '../../dist/sim/config.js';
import { libxlJson } from '../../dist/sim/print-json.js';
import { makeRandom } from '../../dist/sim/random.js';
import { renderWith } from '../../dist/toolstacks/xl/cfg/render.js';
import { recordOf } from '../../dist/toolstacks/xl/index.js';

/** What the simulator does not make of a cfg, or makes up: it has no such hardware. */
const vague = ['iomem', 'irqs', 'ioports', 'dtdev', 'cpuid', 'usbdev', 'usbctrl', 'pci', 'rdm'];
const vagueJson = /^(?:iomem|irqs|ioports|dtdevs|cpuid|usbdevs|usbctrls|pcidevs|backend_domname|rdm)$/;

/** What xl leaves out where it is Xen's own, and Reeve says or leaves out as it likes. */
const own = {
  max_vcpus: 1,
  avail_vcpus: [0],
  max_memkb: 32768,
  target_memkb: 32768,
  bios: 'seabios',
  weight: 256,
  findunused: 'True',
  enable: 'True',
  listen: '127.0.0.1',
  host: '0.0.0.0',
  passwd: '',
  disable_ticketing: 'False',
  display: 0,
  run_hotplug_scripts: 'True',
  pdev_path: '',
};

const plain = (json, without) => {
  const visit = (x, key) => {
    if (Array.isArray(x)) return x.map((v) => visit(v, key));
    if (typeof x !== 'object' || x === null) return key === 'bootloader' ? x.replace(/^\/.*\/pygrub$/, 'pygrub') : x;
    const { max_memkb: max, target_memkb: target } = x;
    // One of the two gives the other.
    const whole =
      max === undefined && target === undefined ? x : { ...x, max_memkb: max ?? target, target_memkb: target ?? max };
    const entries = Object.entries(whole)
      .filter(([k]) => !vagueJson.test(k) && !without.has(k))
      .map(([k, v]) => [k, visit(v, k)])
      .filter(
        ([k, v]) =>
          JSON.stringify(v) !== JSON.stringify(own[k]) && JSON.stringify(v) !== '{}' && JSON.stringify(v) !== '[]',
      );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const { disks = [], ...rest } = json;
  const sorted = [...disks].sort((a, b) => (a.vdev < b.vdev ? -1 : 1));
  return visit({ ...rest, disks: sorted }, '');
};

const differences = (a, b, at = '') => {
  const map = (x) => typeof x === 'object' && x !== null;
  if (!map(a) || !map(b))
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [`${at}: ${JSON.stringify(a)} → ${JSON.stringify(b)}`];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((k) =>
    differences(a[k], b[k], at === '' ? k : `${at}.${k}`),
  );
};

const jsonOf = (text) => {
  const read = readCfg(text, 'x.cfg');
  if ('error' in read) throw new Error(read.error.trim());
  const random = makeRandom('corpus');
  const host = { cpus: 64, minor: 17, hex: (n) => random.hex(n), uuid: () => random.uuid() };
  const made = domainConfig(read.settings, host);
  if ('error' in made) throw new Error(made.error.trim());
  return { json: JSON.parse(libxlJson(made.config, 'dry')), settings: read.settings };
};

const memory = (text) => {
  const bytes = new TextEncoder().encode(text);
  return { look: async () => ({ is: 'file', size: bytes.length }), read: async () => bytes };
};

const frame = {
  rest: { farm: 'corpus', servers: { xen: { address: 'xen.example.com' } } },
  restNotes: [],
  head: [],
  beside: [],
  networks: {},
  taken: { keys: new Set(), profiles: new Set() },
  defaults: true,
};

const marker = { farm: 'corpus', vm: 'x', uuid: '', home: 'xen', generation: 1, origin: 'adopted', protect: false, macs: {}, applied: {}, by: 'corpus' }; // prettier-ignore

/** The values that references stand for: what stands in their place in the cfg. */
const secretsOf = (spec, standing) => {
  const secrets = new Map();
  const settings = new Map(Object.entries({ vnc: 'vncpasswd', spice: 'spicepasswd' }));
  for (const [screen, key] of settings) {
    const secret = spec.settings[`display.${screen}.password`];
    if (secret) secrets.set(secret.secret, standing.get(key));
  }
  const textsIn = (v) => (typeof v === 'string' ? [v] : v.flatMap(textsIn));
  for (const [key, value] of Object.entries(spec.xl ?? {})) {
    const was = textsIn(standing.get(key) ?? []);
    textsIn(value).forEach((text, i) => {
      const names = text.match(/\$\{[^}]*\}/g) ?? [];
      const pattern = text.split(/\$\{[^}]*\}/).map((t) => t.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
      const found = new RegExp(`^${pattern.join('(.*?)')}$`).exec(was[i] ?? '') ?? [];
      names.forEach((name, n) => secrets.set(name, found[n + 1]));
    });
  }
  return secrets;
};

const cfgFrom = (spec, farm, record, settings, live) => {
  const { networks } = farm.pools[0];
  const ovs = Object.values(networks).flatMap((n) => (n.vlan === undefined ? [] : [n.bridge]));
  const facts = { farm: 'corpus', networks, seen: { host: 'xen', cpus: 4096, ovs }, order: new Map(), secrets: new Map(), shared: [] }; // prettier-ignore
  const want = resolve(
    spec,
    live ? { server: 'xen', uuid: record.config.uuid, domain: null, record, marker: null } : null,
    facts,
  );
  if ('unresolved' in want) throw new Error(want.unresolved);
  const uuid = record.config.uuid ?? want.config.uuid;
  const text = renderWith(
    { ...marker, uuid },
    want.config,
    live ? null : secretsOf(spec, settings),
    live ? record : undefined,
  );
  if (!text.ok) throw new Error(text.why);
  return text.text;
};

const one = async (dir, name) => {
  const bytes = readFileSync(join(dir, 'files', name));
  const steps = {
    file: name,
    read: false,
    written: false,
    adopted: false,
    equal: false,
    alone: false,
    xl: false,
    why: '',
  };
  try {
    const real = JSON.parse(readFileSync(join(dir, 'xl-json', `${name}.json`), 'utf8'));
    const record = recordOf(`/etc/xen/${name}`, bytes, []);
    if (!record.config) throw new Error(record.problem);
    steps.read = true;
    const found = { config: record.config, state: null, autostart: null, called: undefined, pool: undefined, server: undefined, shared: new Set(), from: name }; // prettier-ignore
    const made = imported([found], frame);
    const text = farmText(made);
    const loaded = await loadFarm(['farm.yaml'], memory(text));
    if (made.left.length > 0 || !loaded.ok) throw new Error(made.left[0]?.why ?? loaded.diagnostics[0].message);
    steps.written = true;
    const first = jsonOf(record.text);
    const { config } = record;
    const without = new Set(config.uuid === null ? ['uuid'] : []);
    const sameReal = (json, but = without) => differences(plain(real, but), plain(json, but));
    steps.xl = sameReal(first.json).length === 0;
    const sameKeys = (cfg) =>
      differences(...[first.settings, cfg.settings].map((s) => Object.fromEntries(vague.map((k) => [k, s.get(k)]))));
    const [vm] = loaded.farm.vms;
    const adopted = jsonOf(cfgFrom(vm, loaded.farm, record, first.settings, true));
    steps.adopted = true;
    const off = [...sameReal(adopted.json), ...sameKeys(adopted)];
    steps.equal = off.length === 0;
    steps.why = off[0] ?? '';
    try {
      const alone = jsonOf(cfgFrom(vm, loaded.farm, record, first.settings, false));
      const but = new Set([...without, ...(config.nics.some((n) => n.mac === null) ? ['mac'] : [])]);
      const left = [...sameReal(alone.json, but), ...sameKeys(alone)];
      steps.alone = left.length === 0;
      if (steps.why === '' && left.length > 0) steps.why = `alone: ${left[0]}`;
    } catch (e) {
      if (steps.why === '') steps.why = `alone: ${e.message}`;
    }
  } catch (e) {
    steps.why = e.message;
  }
  return steps;
};

const [dir, ...only] = process.argv.slice(2);
if (dir === undefined) {
  console.error('usage: npm run corpus -- DIR [FILE…]');
  process.exit(2);
}
const taken = new Set(readdirSync(join(dir, 'xl-json')).map((f) => f.replace(/\.json$/, '')));
const all = readdirSync(join(dir, 'files')).sort();
const names = all.filter((f) => taken.has(f) && (only.length === 0 || only.includes(f)));
const rows = [];
for (const name of names) rows.push(await one(dir, name));
const columns = ['read', 'written', 'adopted', 'equal', 'alone', 'xl'];
console.log(`${columns.map((c) => c.padEnd(8)).join('')}file`);
for (const row of rows) {
  const marks = columns.map((c) => (row[c] ? 'yes' : 'no').padEnd(8)).join('');
  console.log(`${marks}${row.file}${row.why === '' ? '' : `\n${' '.repeat(8)}${row.why.slice(0, 160)}`}`);
}
const count = (c) => rows.filter((r) => r[c]).length;
console.log(
  `${columns.map((c) => String(count(c)).padEnd(8)).join('')}of ${rows.length} that xl takes (${all.length} files)`,
);
if (count('equal') < rows.length) process.exitCode = 1;
