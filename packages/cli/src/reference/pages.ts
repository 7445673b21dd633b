import { auditPage } from './audit.ts';
import { cataloguePage } from './catalogue.ts';
import { commandsPage } from './commands.ts';
import { eventsPage } from './events.ts';
import { findingsPage } from './findings.ts';
import { managementPage } from './management.ts';
import { problemsPage } from './problems.ts';
import { rulesPage } from './rules.ts';
import { survivalPage } from './survival.ts';

/** The pages of the documentation that are made from code, by path from the root of the repository. */
export const referencePages: Readonly<Record<string, () => string>> = {
  'docs/cli.md': commandsPage,
  'docs/management-api.md': managementPage,
  'docs/problems.md': problemsPage,
  'docs/audit.md': auditPage,
  'docs/findings.md': findingsPage,
  'docs/events.md': eventsPage,
  'docs/attack-catalogue.md': cataloguePage,
  'docs/rules.md': rulesPage,
  'docs/kmip-survival.md': survivalPage,
};
