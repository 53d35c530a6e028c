/** Servers whose CPUs differ: what runs does not go alive to one that lacks what it may use. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

let farm: PoolFarm;
const caps = (sevenB: string): string => `178bf3fd:80002001:20100800:00000007:00000000:${sevenB}:00000000:00000000`;
// bmi1, avx2 and bmi2; the other has none of the three.
const rich = dom0('dom01', { hwCaps: caps('00000128') });
const poor = dom0('dom02');
const both = 'dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 }';
const drains = (name: string): string => both.replace(`migration: ${name}`, `migration: ${name}, state: maintenance`);
const joined = (warnings: readonly string[]): readonly string[] => warnings.filter((w) => /alive|no bridge/.test(w));

beforeEach(async () => {
  farm = await openPool([rich, poor]);
});
afterEach(async () => farm.close());

describe('servers of two CPUs', () => {
  it('are said to differ when they join, and not again', async () => {
    const text = poolText(both, '');
    expect(joined((await farm.planOf(text)).warnings)).toEqual([
      'dom02: a CPU without bmi1, avx2, bmi2; dom01 have that, and no VM moves from there alive',
    ]);
    await farm.converge(text);
    expect(joined((await farm.planOf(text)).warnings)).toEqual([]);
  });

  it('give no VM alive to the one that lacks something; it says what would help', async () => {
    await farm.converge(poolText(both, 'a: { server: dom01 }'));
    const plan = await farm.planOf(poolText(drains('dom01'), 'a: {}'));
    expect([plan.vms, plan.refused]).toEqual([
      [],
      [
        {
          subject: { kind: 'vm', name: 'a' },
          what: 'a would leave dom01 (dom01 is in maintenance)',
          code: 'cannot-migrate',
          allow: [{ option: '--allow restart=a' }],
          why: 'dom02 has a CPU without bmi1, avx2, bmi2, which it may use',
          help: 'restart it there: --allow restart=a, or mask them on the VM (`xl: { cpuid: "host,avx2=0,bmi1=0,bmi2=0" }`, from its next restart on)',
          needs: 'restart',
        },
      ],
    ]);
  });

  it('restart it there, where that is allowed', async () => {
    await farm.converge(poolText(both, 'a: { server: dom01 }'));
    const plan = await farm.converge(poolText(drains('dom01'), 'a: {}'), {
      allow: [{ disruption: 'restart', pattern: 'a' }],
    });
    expect(plan.vms).toMatchObject([{ action: 'restart', to: 'dom02', disruption: 'restart' }]);
    expect(await farm.list('dom02')).toEqual(['a']);
  });

  it('take it alive the other way, and both ways where it was started without what the other lacks', async () => {
    await farm.converge(poolText(both, 'a: { server: dom02 }'));
    expect((await farm.converge(poolText(drains('dom02'), 'a: {}'))).vms).toMatchObject([{ action: 'migrate' }]);
    const masked = 'xl: { cpuid: "host,avx2=0,bmi1=0,bmi2=0" }';
    // It runs without the mask until it restarts.
    const waits = await farm.planOf(poolText(drains('dom01'), `a: { ${masked} }`));
    expect(waits.refused).toMatchObject([{ needs: 'restart' }]);
    await farm.converge(poolText(both, `a: { ${masked}, server: dom01 }`), {
      allow: [{ disruption: 'restart', pattern: 'a' }],
    });
    expect((await farm.converge(poolText(drains('dom01'), `a: { ${masked} }`))).vms).toMatchObject([
      { action: 'migrate', to: 'dom02' },
    ]);
  });

  it('survive the loss of the better one, since what boots anew needs no more than there is', async () => {
    const plan = await farm.planOf(poolText(both, 'a: { server: dom01 }', 'spare: 1'));
    await farm.apply(plan);
    await farm.sim.settle();
    const { warnings } = await farm.planOf(poolText(both, 'a: {}', 'spare: 1'));
    expect(warnings.filter((w) => w.includes('does not survive'))).toEqual([]);
  });
});

describe('a server that joins', () => {
  it('without a bridge, or with another Xen, is told apart from the others', async () => {
    await farm.close();
    farm = await openPool([poor, dom0('dom01', { bridges: [], xenVersion: '4.15.1' })]);
    expect(joined((await farm.planOf(poolText(both, ''))).warnings)).toEqual([
      'dom02: Xen 4.17.7; Xen 4.15.1 is on dom01, and no VM moves from there alive',
      'dom01: Xen 4.15.1; Xen 4.17.7 is on dom02, and no VM moves from there alive',
      'dom01: no bridge xenbr0, which network lan of pool p needs on every server',
    ]);
  });

  it('with the same CPU is not spoken of', async () => {
    await farm.close();
    farm = await openPool([poor, dom0('dom01')]);
    expect(joined((await farm.planOf(poolText(both, ''))).warnings)).toEqual([]);
  });
});

describe('a migration', () => {
  it('is not begun to a server that came back with less', async () => {
    await farm.close();
    let words = caps('00000128');
    const changing = {
      ...dom0('dom02'),
      get hwCaps() {
        return words;
      },
    };
    farm = await openPool([rich, changing]);
    await farm.converge(poolText(both, 'a: { server: dom01 }'));
    const plan = await farm.planOf(poolText(drains('dom01'), 'a: {}'));
    words = caps('00000108');
    const { failed } = await farm.apply(plan);
    expect(failed).toMatchObject([
      { id: 'a/migrate/dom02', why: expect.stringContaining("the server's CPU is without avx2, which the VM may use") },
    ]);
    expect(await farm.list('dom01')).toEqual(['a']);
  });
});
