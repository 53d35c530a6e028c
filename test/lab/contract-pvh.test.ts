/** The contract suite on real Xen: PVH. */
import { contract } from '../contract/law.ts';
import { openContract } from './contract-farm.ts';

contract('real Xen', 'pvh', openContract);
