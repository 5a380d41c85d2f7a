/**
 * What the groups of requests in the OpenAPI document are for: a group is what stands behind `/api/`.
 *
 * @module
 */

/** The group of what does not stand below `/api/`. */
export const TOOLS = "tools";

/** Group → what it is for. */
export const TAGS: Readonly<Record<string, string>> = {
  [TOOLS]: "For probes, scrapers and webhooks",
  accept: "Takes what runs now for what should run",
  adopt: "Takes in what runs already",
  audit: "Who changed what",
  availability: "How long what ran",
  channels: "Where problems are told",
  check: "Whether a workload is as it should be",
  containers: "Rows of the index, and the deployer's way to write them",
  deliveries: "What was told, and what could not be",
  discover: "What could be taken in",
  dispatch: "What became of a container of the Engine",
  doctor: "What does not work, or might not some day",
  engine: "Which Engine the index is of",
  events: "Every change as it happens",
  export: "Routes and targets as other programs read them",
  history: "What happened",
  index: "The index as a whole",
  instances: "Rows addressed by project and stage",
  previews: "Stages that are previews",
  problems: "What is wrong",
  projects: "What deployers run",
  reconcile: "A pass now",
  routes: "Where proxies lead to",
  rules: "Who is told of which problems",
  session: "This browser's login",
  sessions: "Browsers that are logged in",
  silences: "Problems that nobody is told of for a while",
  sites: "What one container serves",
  stacks: "Compose projects and Swarm stacks",
  stages: "Stages of projects",
  status: "How the daemon is",
  tokens: "Who may ask over TCP",
  transitions: "Every change of a row's state",
  workloads: "Projects, stacks and sites as what containers are tied to",
};
