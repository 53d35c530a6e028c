/** Brings the farm up before the first test: built where it must be, two dom0s, at their first snapshot. */
import { execFileSync } from 'node:child_process';
import { labTool } from './farm.ts';

export default function bringUp(): void {
  for (const args of [['up', '2'], ['reset']]) execFileSync('bash', [labTool, ...args], { stdio: 'inherit' });
}
