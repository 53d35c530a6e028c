/** A VM whose memory xendomains keeps is not booted beside it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell, runOn } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'saved-memory');
});
afterEach(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);
const hand = (...argv: readonly string[]) => farm.sim.hand('dom01', argv);
const names = async (): Promise<string> => (await hand('xl', 'list')).out;

const web = 'type: pvh, memory: 256MiB, boot: { kernel: /srv/guest/vmlinuz }, server: dom01';
const saved = async (folder: string): Promise<string> => {
  await farm.describe(`  web: { ${web} }\n`);
  await reeve('apply', '--yes');
  await farm.sim.settle();
  await hand('mkdir', '-p', folder);
  const file = `${folder}/web`;
  expect(await hand('xl', 'save', 'web', file)).toMatchObject({ rc: 0 });
  return file;
};

describe.each([
  ['/var/lib/xen/save', '/etc/default/xendomains', 'XENDOMAINS_SAVE=/var/lib/xen/save\n'],
  ['/var/lib/xen/save', '/etc/default/xendomains', 'XENDOMAINS_SAVE=""\n'],
  ['/srv/images of/xen', '/etc/default/xendomains', 'XENDOMAINS_SAVE="/srv/images of/xen"\n'],
  ['/srv/save', '/etc/sysconfig/xendomains', "# SUSE's\nXENDOMAINS_SAVE='/srv/save/'\n"],
])('an image in %s, as %s says', (folder, settings, text) => {
  it('keeps its VM from being started, with what to do', async () => {
    const file = await saved(folder);
    const files = farm.sim.files('dom01');
    files.remove('/etc/default/xendomains');
    await hand('mkdir', '-p', settings.slice(0, settings.lastIndexOf('/')));
    files.write(settings, text);
    const { code, out } = await reeve('plan');
    expect(code).toBe(5);
    expect(out).toContain(`its memory lies in ${file} on dom01`);
    expect(out).toMatch(/memory-saved.*xl restore '?\/[^&]*'? && rm '?\//);
    await reeve('apply', '--yes');
    expect([(await names()).includes('web'), files.read(file) !== undefined]).toEqual([false, true]);

    // What the help says: it goes on from there.
    await hand('xl', 'restore', file);
    await hand('rm', file);
    await farm.sim.settle();
    expect(await reeve('plan')).toMatchObject({ code: 0, out: expect.stringContaining('Nothing to do') });
  });
});

it('one whose cfg is gone is not made anew', async () => {
  await saved('/var/lib/xen/save');
  farm.sim.files('dom01').remove('/etc/xen/web.cfg');
  expect(await reeve('plan')).toMatchObject({ code: 5, out: expect.stringContaining('memory-saved') });
});

it('one that is to stay down is left as it is, and one of another name does not matter', async () => {
  await saved('/var/lib/xen/save');
  await farm.describe(`  web: { ${web}, state: stopped }\n  web2: { ${web} }\n`);
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(await names()).toContain('web2');
});

it('a VM that runs beside an image is told', async () => {
  const file = await saved('/var/lib/xen/save');
  await hand('xl', 'create', '-q', '/etc/xen/web.cfg');
  expect(await reeve('plan')).toMatchObject({ code: 0, out: expect.stringContaining(`${file} on dom01: xendomains`) });
});

it('an image that comes between plan and start stops the start', async () => {
  await farm.describe(`  web: { ${web}, state: stopped }\n`);
  await reeve('apply', '--yes');
  await farm.describe(`  web: { ${web} }\n`);
  const plan = `${farm.folder}/plan.json`;
  await reeve('plan', '--out', plan);
  await hand('mkdir', '-p', '/var/lib/xen/save');
  farm.sim.files('dom01').write('/var/lib/xen/save/web', 'image');
  const heard = fakeShell({ home: farm.folder });
  await run(['apply', plan, '--yes'], heard.shell);
  expect(await names()).not.toContain('web');
});
