import sea from 'node:sea';
import { Command, Option } from 'commander';
import { addApply } from './commands/apply.ts';
import { addAudit } from './commands/audit.ts';
import { addDemo } from './commands/demo.ts';
import { addDev } from './commands/dev.ts';
import { addEk } from './commands/ek.ts';
import { addEvidence } from './commands/evidence.ts';
import { addHost } from './commands/host.ts';
import { addIma } from './commands/ima.ts';
import { addImage } from './commands/image/image.ts';
import { addInspect } from './commands/inspect.ts';
import { addKms } from './commands/kms.ts';
import { addProvider } from './commands/provider.ts';
import { addRules } from './commands/rules.ts';
import { addServe } from './commands/serve.ts';
import { addTa } from './commands/ta.ts';
import { addTest } from './commands/test.ts';
import { addToken } from './commands/token.ts';
import { addTpmCa } from './commands/tpm-ca.ts';
import { addVerifyEvidence } from './commands/verify-evidence.ts';
import { addVm } from './commands/vm.ts';
import { formats } from './output.ts';

/** The whole command tree; completion, man pages and reference are made from it. */
export function makeProgram(): Command {
  const program = new Command('vouchsafe')
    .description('Keys of encrypted VMs only for hosts that proved what they booted.')
    .version('0.1.0')
    .addOption(
      new Option('-o, --output <format>', 'how results are printed')
        .choices(formats)
        .default('table')
        .env('VOUCHSAFE_OUTPUT'),
    )
    .addOption(
      new Option('--run <dir>', 'folder of the sockets of this host').default('/run/vouchsafe').env('VOUCHSAFE_RUN'),
    )
    .option('--verbose', 'print stack traces of errors')
    .showHelpAfterError('(vouchsafe COMMAND --help shows what is possible)')
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'vouchsafe: ')) })
    .exitOverride();
  for (const add of [...(sea.isSea() ? [] : ofRepository), ...ofHosts]) add(program);
  return inherit(program);
}

/** These need the repository around them; the single executable comes without it. */
const ofRepository = [addDemo, addDev, addTest];

const ofHosts = [
  addServe,
  addHost,
  addTa,
  addImage,
  addRules,
  addIma,
  addTpmCa,
  addEk,
  addProvider,
  addVm,
  addApply,
  addInspect,
  addKms,
  addAudit,
  addEvidence,
  addVerifyEvidence,
  addToken,
];

/** Sub-commands throw instead of leaving the process, like the program itself. */
function inherit(command: Command): Command {
  for (const each of command.commands) {
    each.exitOverride().showHelpAfterError();
    inherit(each);
  }
  return command;
}
