"""From desired and current to a plan: the difference, the lifecycle rules, the guards, the plan file."""
