/** Passwords in cfgs that a hand wrote, and in a file where they may not stand: nothing shows them, and no cfg loses them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { finder } from './planted.ts';
import { fakeShell } from './shell.ts';

/** By where it is planted. */
const planted = {
  vnc: 'Vn482913/+',
  spice: 'Sp12/+9044',
  spiceOption: 'So71/55028',
  object: 'Ob83/40+17',
  screen: 'Vf 482/91x',
  screens: 'Vg55/31+08',
  unowned: 'Un90 12/34',
  listed: 'Li64/77+21',
  address: 'Ad33%2F7712',
  store: 'AQBst90/1234==',
};
const shows = finder(Object.values(planted));

const disk = `"format=raw,vdev=xvda,access=rw,target=/dev/vg0/`;
/** Running; its disk on no other server can be had. */
const win = `name = "win"
type = "hvm"
memory = 512
vcpus = 1
disk = [ ${disk}mail" ]
vif = [ "mac=02:00:00:00:00:01,bridge=xenbr0" ]
vnc = 1
vncpasswd = "${planted.vnc}"
spice = 1
spicepasswd = '${planted.spice}'
device_model_args = [ "-spice", "port=5999,password=${planted.spiceOption}", "-object", "secret,id=s0,data=${planted.object}" ]
`;
/** Without a disk, so that it can go to another server. */
const old = `name = "old"
type = "pvh"
memory = 256
vcpus = 1
kernel = "/srv/guest/vmlinuz"
cmdline = "console=hvc0 ds=nocloud-net;s=https://ann:${planted.address}@seed.lan/x/"
vif = [ "mac=02:00:00:00:00:02,bridge=xenbr0" ]
vfb = [ 'vnc=1,vncpasswd=${planted.screen},keymap=de', "sdl=1, vncpasswd=${planted.screens}" ]
vncpasswd = "${planted.unowned}"
spicepasswd = [ "${planted.listed}" ]
device_model_args = [ "-drive", "file=rbd:pool/img:id=a:key=${planted.store},format=raw" ]
`;
const inWin = [planted.vnc, planted.spice, planted.spiceOption, planted.object];
const inOld = [planted.address, planted.screen, planted.screens, planted.unowned, planted.listed, planted.store];

let farm: DemoFarm;
const path = (name: string): string => join(farm.folder, name);
const reads = (name: string): string => readFileSync(path(name), 'utf8');
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder, env: {} });
  const code = await run(argv, heard.shell);
  return { code, said: heard.out() + heard.err() };
};
const cfg = (server: string, name: string): string => farm.sim.files(server).read(`/etc/xen/${name}.cfg`) ?? '';
const has = (text: string, secrets: readonly string[]): readonly boolean[] => secrets.map((s) => text.includes(s));
const yes = (secrets: readonly string[]): readonly boolean[] => secrets.map(() => true);

const vms = (more: string): string => `  win: { server: dom02 }
  old: { ${more} }
`;

beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'planted-by-hand', true);
  for (const [name, text] of Object.entries({ win, old })) {
    farm.sim.files('dom02').write(`/etc/xen/${name}.cfg`, text);
    const made = await farm.sim.hand('dom02', ['xl', 'create', '-q', `/etc/xen/${name}.cfg`]);
    if (made.rc !== 0) throw new Error(made.err);
  }
});
afterAll(() => farm.close());

const looks = async (): Promise<void> => {
  for (const argv of [
    ['plan', farm.path, '--commands', '--out', path('plan.json')],
    ['plan', farm.path, '--diff'],
    ['plan', farm.path, '--diff', '--format', 'markdown'],
    ['plan', farm.path, '--json'],
    ['graph', farm.path],
    ['explain', 'old', farm.path],
    ['explain', 'win', farm.path, '--json'],
    ['drift', farm.path, '--json'],
    ['status', farm.path, '--json'],
    ['snapshot', farm.path, '--out', path('snapshot.json')],
  ]) {
    const { code, said } = await reeve(...argv);
    expect([argv, shows(said), code === 0 || code === 2 ? [] : said]).toEqual([argv, [], []]);
  }
  expect(shows(reads('plan.json'))).toEqual([]);
  const raw = [...reads('snapshot.json').matchAll(/"([A-Za-z0-9+/=]{200,})"/g)].map(([, text = '']) =>
    Buffer.from(text, 'base64').toString('latin1'),
  );
  expect(raw.join('')).toContain('win.cfg');
  expect(shows(raw.join(''))).toEqual([]);
  const replayed = await reeve('plan', farm.path, '--json', '--from-snapshot', path('snapshot.json'));
  expect(shows(replayed.said)).toEqual([]);
};

describe('in cfgs', () => {
  test('that are adopted', async () => {
    await farm.describe(vms('server: dom02, memory: { max: 512MiB }'));
    await looks();
    const done = await reeve('apply', path('plan.json'), '--yes', '--events', path('events.json'));
    expect([done.code, done.code === 0 ? '' : done.said]).toEqual([0, '']);
    expect(shows(done.said + reads('events.json'))).toEqual([]);
    expect(cfg('dom02', 'win')).toMatch(/^# reeve: /);
    expect(has(cfg('dom02', 'win'), inWin)).toEqual(yes(inWin));
    expect(has(cfg('dom02', 'old'), inOld)).toEqual(yes(inOld));
  });

  test('whose VM restarts, and one that goes to another server', async () => {
    await farm.describe(vms('server: dom03'));
    await looks();
    const done = await reeve('apply', farm.path, '--yes', '--allow', 'restart=old', '--allow', 'restart=win');
    expect([done.code, done.code === 0 ? '' : done.said]).toEqual([0, '']);
    expect(shows(done.said)).toEqual([]);
    expect(cfg('dom02', 'old')).toBe('');
    expect(has(cfg('dom03', 'old'), inOld)).toEqual(yes(inOld));
    await looks();
    expect((await reeve('plan', farm.path)).said).toContain('Nothing to do');
  });
});

describe('in the file', () => {
  test.each([
    ['the vfb of a key', `xl: { vfb: ["vnc=1,vncpasswd=${planted.screen}"] }`, 'xl.vfb holds a password'],
    ['a list within a list', `xl: { a: [[x, "password=${planted.spiceOption}"]] }`, 'xl.a holds a password'],
    ['an object of QEMU', `xl: { device_model_args: ["secret,id=a,data=${planted.object}"] }`, 'holds a password'],
    ['a key that has a word', `xl: { spicepasswd: "${planted.spice}" }`, 'use `display.spice.password`'],
    ['an option in a list', `xl: { spice: ["spicepasswd=${planted.spice}"] }`, 'use `display.spice`'],
    [
      'an address',
      `boot: { cmdline: "s=https://ann:${planted.address}@seed.lan/" }`,
      'the command line holds a password',
    ],
    ['a value with a quote', `xl: { a: 'x"y,password=${planted.spiceOption}' }`, 'xl.a holds a password'],
    ['a slip in a key', `display: { vnc: { passwd: "${planted.vnc}" } }`, 'unknown key "passwd"'],
    ['a number', `display: { vnc: { password: 482913 } }`, 'no reference', '482913'],
    ['a number for cloud-init', `cloudInit: { userData: 482913 }`, 'must be', '482913'],
    ['a text for a map', `cloudInit: "${planted.vnc}"`, 'must be'],
    ['a map for cloud-init', `cloudInit: { userData: { password: "${planted.vnc}" } }, memroy: 1GiB`, 'memroy'],
  ])('%s', async (_, keys, told, secret = 'none') => {
    await farm.describe(`  win: { server: dom02, ${keys} }\n`);
    const { code, said } = await reeve('validate', farm.path);
    expect([code, shows(said)]).toEqual([3, []]);
    expect(said).toContain(told);
    expect(said).not.toContain(secret);
    const json = await reeve('validate', farm.path, '--json');
    expect([shows(json.said), json.said.includes(secret)]).toEqual([[], false]);
  });

  test.each([
    ['option', `fence: { off: "ipmi password=${planted.vnc}", status: x }`],
    ['address', `fence: { off: "curl https://ann:${planted.address}@bmc/", status: x }`],
  ])('a command: %s', async (_, fence) => {
    await farm.describe(vms('server: dom02'));
    const text = reads('farm.yaml');
    writeFileSync(farm.path, text.replace('ssh: { port', `${fence}, ssh: { port`));
    const { code, said } = await reeve('validate', farm.path);
    expect([code, shows(said)]).toEqual([3, []]);
    expect(said).toContain('a command holds a password');
  });

  test('what the shell fills in is none', async () => {
    await farm.describe(vms('server: dom02'));
    const fence = `fence: { off: 'ipmi password="$PW" pass=$PW', status: "x" }`;
    writeFileSync(farm.path, reads('farm.yaml').replace('ssh: { port', `${fence}, ssh: { port`));
    expect(await reeve('validate', farm.path)).toMatchObject({ code: 0 });
  });

  test.each([
    ['a bracket that is missing', `  win: { cloudInit: { userData: "x ${planted.vnc}", memory: 1GiB }\n`],
    ['an anchor', `  win: { display: { vnc: { password: *${planted.vnc} } } }\n`],
    ['a tag', `  win: { display: { vnc: { password: !${planted.vnc} x } } }\n`],
    [
      'a line of its text',
      `  win:\n    cloudInit:\n      userData: |\n        #cloud-config\n     x: "${planted.vnc}\n`,
    ],
    ['a key that stands twice', `  win: { cloudInit: { metaData: { "${planted.vnc}": 1, "${planted.vnc}": 2 } } }\n`],
    ['a text that is not closed', `  win: { cloudInit: { userData: "x ${planted.vnc} } }\n  old: { memory: 1GiB }\n`],
  ])('that is no YAML: %s', async (_, text) => {
    await farm.describe(text);
    const { code, said } = await reeve('validate', farm.path);
    expect([code, shows(said)]).toEqual([3, []]);
  });
});
