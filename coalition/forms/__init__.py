"""What people may type on the Coalition's pages, one module for each part."""
